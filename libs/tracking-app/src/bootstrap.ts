import { hashedUuid, type CommandRunner, type StagedFact, type UnitOfWork } from '@rectrail/event-store';
import { dayIn, type Actor, type CommandId, type Day, type StreamId } from '@rectrail/kernel';
import {
  administrativeTreeId, calendarAt, decideCalendar, decideInstallation, decideOrganisationTree, defaultPolicy, evolveInstallation, streams, treeAt,
  type Installation, type InstallationEvent, type OrganisationTreeEvent, type TrackingEvent, type WorkingCalendarEvent,
} from '@rectrail/tracking-domain';
import { accepted } from './aggregate.ts';
import { countingOn, factsOf } from './situation.ts';

export interface FirstStart {
  readonly runner: CommandRunner;
  /** IANA name; fixed for good by the first start. */
  readonly zone: string;
  readonly jurisdiction: string;
  /** Every year known in full by now. */
  readonly calendarYears: readonly { readonly year: number; readonly workingDays: readonly Day[] }[];
}

const actor: Actor = { orgId: null, role: 'installation', subject: 'installation', assurance: 'system' };

/** The same at every start, so that two servers starting together write it once. */
const firstStartCommand = hashedUuid('rectrail.first-start/1') as CommandId;

/** Cut by position alone, and the installation's own. */
const stage = (unit: UnitOfWork, stream: StreamId, events: readonly TrackingEvent[]): void => {
  unit.stage(stream, events.map((event): StagedFact => ({ event, actor, scope: { orgId: null }, validTime: null, knownTime: null, classification: 'public' })));
};

const installationIn = async (unit: UnitOfWork): Promise<Installation | null> =>
  (await factsOf<InstallationEvent>(unit, streams.installation)).reduce(evolveInstallation, null);

const begin = async (unit: UnitOfWork, { zone, jurisdiction, calendarYears }: FirstStart): Promise<void> => {
  stage(unit, streams.installation, accepted(decideInstallation({ type: 'InitialiseInstallation', data: { zone, jurisdiction } }, await installationIn(unit))));
  const today = dayIn(zone, unit.now);
  const treeStream = streams.organisationTree(administrativeTreeId);
  const tree = treeAt(countingOn(unit, await factsOf<OrganisationTreeEvent>(unit, treeStream), today));
  const open = decideOrganisationTree({ type: 'OpenTree', data: { treeId: administrativeTreeId, jurisdiction, kind: 'administrative' } }, { then: tree, now: tree, today });
  stage(unit, treeStream, accepted(open));
  stage(unit, streams.defaultPolicy, [{ type: 'PolicyAdopted', data: { ...defaultPolicy, orgId: null } }]);
  const calendar = calendarAt(countingOn(unit, await factsOf<WorkingCalendarEvent>(unit, streams.workingCalendar), today));
  stage(unit, streams.workingCalendar, calendarYears.flatMap((data) => accepted(decideCalendar({ type: 'SetCalendarYear', data }, calendar))));
};

/**
 * Run at every start: writes the first events of a new installation, once; later starts change nothing. Answers what the first
 * one fixed, whatever is configured now. Calendar years that become known later are set by command.
 */
export const bootstrap = async (firstStart: FirstStart): Promise<Installation> => {
  const request = { commandId: firstStartCommand, correlationId: firstStartCommand };
  const installed = async (): Promise<Installation | null> => (await firstStart.runner.preview(request, installationIn)).result;
  const before = await installed();
  if (before !== null) return before;
  await firstStart.runner.run(request, (unit) => begin(unit, firstStart));
  const after = await installed();
  if (after === null) throw new Error('the first start left no installation behind');
  return after;
};
