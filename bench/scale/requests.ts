import { addDays, dayNumber, type Day, type IssueId, type OrgId } from '@rectrail/kernel';
import type { Dataset, DatasetOrg } from './datasets.ts';
import type { SeededRandom } from './random.ts';

/** How many days after the last recording a cut may lie. */
const daysAfterMax = 60;
const seriesDays = 365;
const comparedDaysMin = 7;
const comparedDaysMax = 90;
/** The share of requests that roll up by the tree as it is now. */
const treeNowShare = 0.25;
/** Of the log: organisations of later registration are not asked about. */
export const registeredByShare = 0.1;
const childrenWanted = 20;
const childrenFarOff = 6;

/** The five levels of the province; a request names each as often as the others, whatever their numbers. */
const levels: readonly (readonly DatasetOrg['level'][])[] = [['province'], ['city'], ['county', 'district'], ['bureau'], ['unit']];

/** What requests about one log are drawn from. */
export interface RequestSource {
  readonly root: OrgId;
  readonly byLevel: readonly (readonly OrgId[])[];
  /** With about twenty children, or with as many as there are. */
  readonly parents: readonly OrgId[];
  readonly issues: readonly IssueId[];
  readonly from: Day;
  readonly days: number;
  readonly events: number;
}

export type RequestedDataset = Pick<Dataset, 'plan' | 'landmarks'>;

/** @throws Error for a log without a province. */
export const requestSource = ({ plan: { events }, landmarks: { registered, issues, from, until } }: RequestedDataset): RequestSource => {
  const idsOf = (orgs: readonly DatasetOrg[]): readonly OrgId[] => orgs.map(({ orgId }) => orgId);
  const byLevel = levels.map((level) => idsOf(registered.filter((org) => level.includes(org.level))));
  const root = byLevel[0]?.[0];
  if (root === undefined) throw new Error('the log has no province');
  const most = Math.max(...registered.map(({ children }) => children));
  const near = registered.filter(({ children }) => Math.abs(children - childrenWanted) <= childrenFarOff);
  const parents = idsOf(near.length > 0 ? near : registered.filter(({ children }) => children === most));
  return { root, byLevel: byLevel.filter((ids) => ids.length > 0), parents, issues, from, days: dayNumber(until) - dayNumber(from) + 1, events };
};

type PathOf = (source: RequestSource, random: SeededRandom) => string;

const anyOrg = ({ byLevel }: RequestSource, random: SeededRandom): OrgId => random.pick(random.pick(byLevel));
const anyDay = ({ from, days }: RequestSource, random: SeededRandom): Day => addDays(from, random.below(days + daysAfterMax));

type Parameters = Readonly<Record<string, string | number | undefined>>;
const pathWith = (path: string, parameters: Parameters): string => {
  const given = Object.entries(parameters).filter((entry): entry is [string, string | number] => entry[1] !== undefined);
  return `/api/v1${path}${given.length === 0 ? '' : `?${new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString()}`}`;
};

const anyCut = (source: RequestSource, random: SeededRandom): Parameters => ({ validAt: anyDay(source, random), knownAt: anyDay(source, random) });
const rollUp = (random: SeededRandom): Parameters => ({ treeAt: random.chance(treeNowShare) ? 'now' : undefined });
/** Where all organisations that can be named are registered already. */
const anyPosition = ({ events }: RequestSource, random: SeededRandom): number => {
  const registered = Math.ceil(events * registeredByShare);
  return registered + random.below(events - registered);
};

const listFilters: readonly Parameters[] = [{}, {}, {}, { bucket: 'open' }, { deadline: 'OVERDUE' }, { state: 'VERIFIED' }];

/** What is asked over HTTP, each a read at a random cut of a random organisation of a random level, at the head of the log unless it says otherwise. */
export const requests = {
  dashboard: (source, random) => pathWith('/dashboard', { org: anyOrg(source, random), ...anyCut(source, random), ...rollUp(random) }),
  root: (source, random) => pathWith('/dashboard', { org: source.root, ...anyCut(source, random), ...rollUp(random) }),
  older: (source, random) => pathWith('/dashboard', { org: anyOrg(source, random), ...anyCut(source, random), ...rollUp(random), atPosition: anyPosition(source, random) }),
  children: (source, random) => pathWith('/dashboard/children', { org: random.pick(source.parents), ...anyCut(source, random), ...rollUp(random) }),
  'series-then': (source, random) => {
    const to = anyDay(source, random);
    return pathWith('/series', { org: anyOrg(source, random), from: addDays(to, 1 - seriesDays), to, every: 'day', as: 'then' });
  },
  'series-known': (source, random) => {
    const to = anyDay(source, random);
    return pathWith('/series', { org: anyOrg(source, random), from: addDays(to, 1 - seriesDays), to, every: 'day', as: 'known', knownAt: anyDay(source, random) });
  },
  compare: (source, random) => {
    const day = anyDay(source, random);
    const before = addDays(day, -(comparedDaysMin + random.below(comparedDaysMax - comparedDaysMin)));
    return pathWith('/compare', { org: anyOrg(source, random), fromValidAt: before, fromKnownAt: before, validAt: day, knownAt: day });
  },
  issues: (source, random) => pathWith('/issues', { org: anyOrg(source, random), ...anyCut(source, random), ...random.pick(listFilters) }),
  deadlines: (source, random) => pathWith('/deadlines', { org: anyOrg(source, random), ...anyCut(source, random) }),
  timeline: (source, random) => pathWith(`/issues/${random.pick(source.issues)}/timeline`, {}),
  /** As people ask most: today, as far as is known. */
  today: (source, random) => pathWith('/dashboard', { org: anyOrg(source, random) }),
} as const satisfies Readonly<Record<string, PathOf>>;

export type RequestName = keyof typeof requests;
