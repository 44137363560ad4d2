import type { Cut, Day, Fact, OrgId, Position, ReportId } from '@rectrail/kernel';
import type { ReportEvent } from '../report/report.events.ts';
import { isOfTheWhole, pointKey } from '../report/report.state.ts';
import { withRecognisedBases } from '../report/report.rates.ts';
import type { FactsRetracted } from '../retraction/retraction.events.ts';
import { countingFacts, effectiveDay } from '../time/counting.ts';
import type { DeclaredValue } from './definitions.ts';
import type { StreamOf, World } from './world.ts';

interface Declaration extends DeclaredValue { readonly asOf: Day; readonly position: Position; readonly ofTheWhole: boolean }

const declarationOf = (fact: Fact<ReportEvent | FactsRetracted>, reportId: ReportId): readonly Declaration[] => {
  const { event } = fact;
  if (event.type !== 'RollUpDeclared' && event.type !== 'RollUpRateDeclared') return [];
  const place = { basis: event.data.basis, reportId, asOf: effectiveDay(fact), position: fact.position, ofTheWhole: isOfTheWhole(event.data) };
  return event.type === 'RollUpDeclared'
    ? [{ ...place, key: pointKey(event.data), value: event.data.quantity.value, unit: event.data.quantity.unit }]
    : [{ ...place, key: event.data.key, value: event.data.value, unit: '%' }];
};

/** A report's figures take effect on its as-of day, mostly before it was published: its id is read from the stream, whatever counts of it. */
const declarationsOf = ({ facts }: StreamOf<ReportEvent>, cut: Cut): readonly Declaration[] => {
  const reportId = facts.flatMap(({ event }) => (event.type === 'ReportPublished' ? [event.data.reportId] : []))[0];
  return reportId === undefined ? [] : countingFacts(facts, cut).flatMap((fact) => declarationOf(fact, reportId));
};

/** A figure about less than its report is about yields to one about all of it. */
const newerFirst = (a: Declaration, b: Declaration): number => {
  if (a.asOf !== b.asOf) return a.asOf < b.asOf ? 1 : -1;
  return Number(b.ofTheWhole) - Number(a.ofTheWhole) || b.position - a.position;
};
const byKey = (a: DeclaredValue, b: DeclaredValue): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

/**
 * Of the organisation's own reports, never those below it: of each key the latest as-of, of equals the one about the whole, then the
 * latest recorded. By key, in code-point order.
 */
export const declaredBy = (world: World, cut: Cut, org: OrgId | null): readonly DeclaredValue[] => {
  if (org === null) return [];
  const declarations = world.reports.filter(({ owner }) => owner === org).flatMap((stream) => declarationsOf(stream, cut));
  const latest = [...Map.groupBy(declarations, ({ key }) => key).values()].flatMap((ofKey) => ofKey.toSorted(newerFirst).slice(0, 1));
  return withRecognisedBases(latest.toSorted(byKey).map(({ key, basis, value, unit, reportId }) => ({ key, basis, value, unit, reportId })));
};
