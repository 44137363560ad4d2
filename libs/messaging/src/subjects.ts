import { streamId, type Fact, type OrgId, type StreamId } from '@rectrail/kernel';
import { administrativeTreeId, streams, type TrackingEvent } from '@rectrail/tracking-domain';
import { calendarContract } from './contracts/calendar.ts';
import type { Contract } from './contracts/contract.ts';
import { fundsCaseContract } from './contracts/funds-case.ts';
import { inspectionContract } from './contracts/inspection.ts';
import { issueContract } from './contracts/issue.ts';
import { measureContract } from './contracts/measure.ts';
import { metricContract } from './contracts/metric.ts';
import { organisationContract } from './contracts/organisation.ts';
import { planContract } from './contracts/plan.ts';
import { policyContract } from './contracts/policy.ts';
import { reminderContract } from './contracts/reminder.ts';
import { reportContract } from './contracts/report.ts';
import type { Noun } from './message.ts';

/** Every contract: the reference, the schemas and the messages come from these. */
export const contracts: readonly Contract[] = [
  organisationContract, inspectionContract, planContract, issueContract, measureContract, fundsCaseContract, policyContract, calendarContract, reportContract, metricContract,
  reminderContract,
];

/** What a stream tells of: one subject, or several (a tree its organisations, the calendar its years, a register its notices). */
export interface StreamSubjects {
  readonly contract: Contract;
  /** Whether the stream holds more than one subject. */
  readonly several: boolean;
  /** The subject of a fact other than a retraction; null where it is about none. */
  subjectOf(fact: Fact): string | null;
  /** By which subtrees are selected. */
  ownerOf(fact: Fact): OrgId | null;
}

const scopeOwner = (fact: Fact): OrgId | null => fact.scope.orgId;

/** One subject a stream, named by what follows the prefix. */
const single = (contract: Contract, prefix: string, path: string) => (id: StreamId): StreamSubjects => {
  const subject = `${path}/${id.slice(prefix.length)}`;
  return { contract, several: false, subjectOf: () => subject, ownerOf: scopeOwner };
};

/** The organisation that an event of a tree is about. The stream's name says which events it holds. */
const orgOf = (fact: Fact): OrgId | null => {
  const { type, data } = (fact as Fact<TrackingEvent>).event;
  return type === 'OrgRegistered' || type === 'OrgMoved' || type === 'OrgRenamed' || type === 'OrgMerged' || type === 'OrgDissolved' ? data.orgId : null;
};

/** An organisation may stand in several trees; each place is a subject of its own. */
const ofTree = (id: StreamId): StreamSubjects => {
  const path = id === streams.organisationTree(administrativeTreeId) ? 'organisations' : `trees/${id.slice('org-tree-'.length)}/organisations`;
  return {
    contract: organisationContract,
    several: true,
    subjectOf: (fact) => {
      const orgId = orgOf(fact);
      return orgId === null ? null : `${path}/${orgId}`;
    },
    ownerOf: orgOf,
  };
};

const yearOf = (fact: Fact): string | null => {
  const { type, data } = (fact as Fact<TrackingEvent>).event;
  return type === 'CalendarYearSet' ? `calendar-years/${data.year}` : null;
};

/** A register of notices. */
const reminderOf = (fact: Fact): string | null => {
  const { type, data } = (fact as Fact<TrackingEvent>).event;
  return type === 'ReminderIssued' || type === 'ReminderReceiptConfirmed' ? `reminders/${data.reminderId}` : null;
};

const ofRegister = (): StreamSubjects => ({ contract: reminderContract, several: true, subjectOf: reminderOf, ownerOf: scopeOwner });

const ofCalendar = (): StreamSubjects => ({ contract: calendarContract, several: true, subjectOf: yearOf, ownerOf: () => null });

const byPrefix: readonly (readonly [string, (streamId: StreamId) => StreamSubjects])[] = [
  ['issue-', single(issueContract, 'issue-', 'issues')],
  ['measure-', single(measureContract, 'measure-', 'measures')],
  ['funds-case-', single(fundsCaseContract, 'funds-case-', 'funds-cases')],
  ['inspection-', single(inspectionContract, 'inspection-', 'inspections')],
  ['plan-', single(planContract, 'plan-', 'plans')],
  ['report-', single(reportContract, 'report-', 'reports')],
  ['metric-', single(metricContract, 'metric-', 'metrics')],
  ['policy-', single(policyContract, 'policy-', 'policies')],
  ['org-tree-', ofTree],
  [streams.workingCalendar, ofCalendar],
  ['reminders-', ofRegister],
];

/** Null where the stream tells outsiders nothing (the installation, sources). */
export const subjectsOf = (id: StreamId): StreamSubjects | null =>
  byPrefix.find(([prefix]) => id.startsWith(prefix))?.[1](id) ?? null;

/** The one prefix of all streams that tell of a noun, so that a store can leave out the rest. */
export const prefixOf = (noun: Noun): string | null =>
  byPrefix.find(([prefix, of]) => of(streamId(prefix)).contract.noun === noun)?.[0] ?? null;
