import type { Cut, Day, Fact, OrgId, Position, ReportId } from '@rectrail/kernel';
import type { ReportEvent } from '../report/report.events.ts';
import { withRecognisedBases } from '../report/report.rates.ts';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import { countingFacts, effectiveDay } from '../time/counting.ts';
import type { DeclaredValue } from './definitions.ts';
import type { StreamOf, World } from './world.ts';

interface Declaration extends DeclaredValue { readonly asOf: Day; readonly position: Position }

const declarationOf = (fact: Fact<ReportEvent | FactsRetracted>, reportId: ReportId): readonly Declaration[] => {
  const { event } = fact;
  const place = { asOf: effectiveDay(fact), position: fact.position, reportId };
  if (event.type === 'RollUpDeclared') return [{ key: event.data.key, basis: event.data.basis, value: event.data.quantity.value, unit: event.data.quantity.unit, ...place }];
  if (event.type === 'RollUpRateDeclared') return [{ key: event.data.key, basis: event.data.basis, value: event.data.value, unit: '%', ...place }];
  return [];
};

/** A report's figures take effect on its as-of day, mostly before it was published: its id is read from the stream, whatever counts of it. */
const declarationsOf = ({ facts }: StreamOf<ReportEvent>, cut: Cut): readonly Declaration[] => {
  const reportId = facts.flatMap(({ event }) => (event.type === 'ReportPublished' ? [event.data.reportId] : []))[0];
  return reportId === undefined ? [] : countingFacts(facts, cut).flatMap((fact) => declarationOf(fact, reportId));
};

const newerFirst = (a: Declaration, b: Declaration): number => (a.asOf === b.asOf ? b.position - a.position : a.asOf < b.asOf ? 1 : -1);
const byKey = (a: DeclaredValue, b: DeclaredValue): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

/** Of the organisation's own reports, never those below it: of each key the latest as-of, of equals the latest recorded. By key, in code-point order. */
export const declaredBy = (world: World, cut: Cut, org: OrgId | null): readonly DeclaredValue[] => {
  if (org === null) return [];
  const declarations = world.reports.filter(({ owner }) => owner === org).flatMap((stream) => declarationsOf(stream, cut));
  const latest = [...Map.groupBy(declarations, ({ key }) => key).values()].flatMap((ofKey) => ofKey.toSorted(newerFirst).slice(0, 1));
  return withRecognisedBases(latest.toSorted(byKey).map(({ key, basis, value, unit, reportId }) => ({ key, basis, value, unit, reportId })));
};
