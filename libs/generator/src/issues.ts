import type { OrgId } from '@rectrail/kernel';
import { numberKey, type IssueStateName } from '@rectrail/tracking-domain';
import type { Task } from './agenda.ts';
import { FundsWork } from './funds.ts';
import { IssueCase, type IssueRound } from './issue-case.ts';
import { judge, lookBack, resume, writeOff } from './issue-closing.ts';
import { plan, start, takeOver } from './issue-planning.ts';
import { afterPhase, finishRest, goOn, report } from './issue-progress.ts';
import { aspectAt, aspectCount, issueTitle, numeral } from './texts.ts';
import { inDays, type Noteworthy, type World } from './world.ts';

const issuesPerAspect = 6;

/** What comes next in each state, and in how many days what follows it; null: nothing. */
const steps: Readonly<Record<IssueStateName, (one: IssueCase) => number | null>> = {
  FED_BACK: takeOver, REGISTERED: plan, PLANNED: start, IN_PROGRESS: goOn, PHASED: afterPhase, BASICALLY_DONE: finishRest, DONE_REPORTED: judge, VERIFIED: writeOff,
  WRITTEN_OFF: lookBack, REOPENED: resume, TRANSFERRED_OUT: () => null,
};
/** In which nobody reports any more. */
const isQuiet = (state: IssueStateName): boolean => state === 'WRITTEN_OFF' || state === 'TRANSFERRED_OUT';

/** One issue from its registration to the last look-back, whoever's turn it is. */
class IssueWork implements Task, Noteworthy {
  readonly #one: IssueCase;

  constructor(one: IssueCase) {
    this.#one = one;
  }

  run(): void {
    const { state, world } = this.#one;
    // A registration that was itself a slip.
    if (state.registration === null) {
      world.underWay.remove(this);
      this.#one.end();
      return;
    }
    const days = steps[state.state](this.#one);
    if (isQuiet(this.#one.state.state)) world.underWay.remove(this);
    else world.underWay.add(this);
    if (days === null) this.#one.end();
    else this.#one.again(this, days);
  }

  note(): void {
    report(this.#one);
  }
}

/** Registers an issue of the inspection, and lets it take its course. */
export const registerIssue = (world: World, round: IssueRound, orgId: OrgId): void => {
  const { random, organisations, underWay, agenda } = world;
  const { inspectionId, feedbackOn, issues, ended, earlier } = round;
  const one = new IssueCase(world, round, orgId);
  const number = issues.add(one).size + ended.states.length;
  const aspect = Math.floor((number - 1) / issuesPerAspect);
  const numberPath = ['二、', `（${numeral(aspect % aspectCount + 1)}）`, `${number}.`];
  const assistingOrgIds = random.chance(0.12) ? [organisations.below(random, orgId)].filter((other) => other !== orgId) : [];
  one.act({
    type: 'RegisterIssue', on: feedbackOn, by: organisations.supervisor(random, orgId),
    data: {
      annex: random.chance(0.06), aspect: aspectAt(aspect), assistingOrgIds, heading: null, inspectionId, issueId: one.issueId, numberKey: numberKey(numberPath), numberPath, orgId,
      strand: random.chance(0.1) ? '选人用人专项检查' : null, title: issueTitle(random), track: one.track === 'LONG_TERM' && random.chance(0.5) ? 'LONG_TERM' : 'TIMED',
    },
  });
  const work = new IssueWork(one);
  underWay.add(work);
  one.again(work, random.longTail(1, 5, 0.9));
  if (random.chance(0.12)) {
    const funds = new FundsWork(world, { issueId: one.issueId, orgId, inspectionId }, round.lastCase);
    round.lastCase = funds.id;
    agenda.put(inDays(world, random.int(5, 70)), funds);
  }
  if (earlier.length > 0 && random.chance(0.15)) one.act({ type: 'LinkRecurrence', ...one.owner(), data: { previousIssueId: random.pick(earlier) } });
};
