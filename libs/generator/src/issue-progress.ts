import { hasOpenResidual, type Residual } from '@rectrail/tracking-domain';
import { deadline, numberOf } from './dates.ts';
import type { IssueCase } from './issue-case.ts';
import { addMeasure } from './issue-planning.ts';
import { reportOnMeasure } from './measures.ts';
import { account, delay, effect, finding, issueTitle } from './texts.ts';

/** From the start of the work to the claim that it is done. Each answers in how many days the next step comes. */

const daysBeforeAim = 8;

/** Progress as people report it: of a measure, or of the issue as a whole. */
export const report = (one: IssueCase): void => {
  const { world } = one;
  const measure = one.measures.length > 0 && world.random.chance(0.6) ? world.random.pick(one.measures) : null;
  if (measure !== null && reportOnMeasure(world, measure)) return;
  one.act({ type: 'ReportProgress', ...one.owner(), data: { text: account(world.random) } });
};

const tally = (one: IssueCase, all: boolean): void => {
  const { random } = one.world;
  const { found, fixed, unit, categories } = one.state.subFindings ?? { found: random.longTail(2, 12, 1), fixed: 0, unit: random.pick(['项', '个', '件', '笔']), categories: null };
  one.act({ type: 'TallySubFindings', ...one.owner(), data: { categories, fixed: all ? found : random.int(fixed ?? 0, found), found, unit } });
};

const extendDeadline = (one: IssueCase, from: number): void => {
  const { random } = one.world;
  const planned = deadline(random, from + random.int(30, 120));
  const isGranted = one.act({ type: 'ExtendDeadline', ...one.supervisor(), data: { askedBy: one.orgId, planned, reason: delay(random) } });
  if (isGranted) one.aim = numberOf(planned.last) - random.int(0, 20);
};

const linkDuplicate = (one: IssueCase): void => {
  const other = one.world.random.pick([...one.round.issues]);
  if (other === one) report(one);
  else one.act({ type: 'LinkDuplicateIssue', ...one.owner(), data: { issueId: other.issueId } });
};

const meanwhile = (one: IssueCase, aim: number): void => {
  const { random, organisations } = one.world;
  const { planned } = one.state;
  const kind = random.unit();
  if (kind < 0.06 && planned !== null && aim > numberOf(planned.last) - 20) extendDeadline(one, numberOf(planned.last));
  else if (kind < 0.1) one.act({ type: 'MarkKeyAndHard', ...one.owner(), data: {} });
  else if (kind < 0.18) tally(one, false);
  else if (kind < 0.24) one.act({ type: 'StateNextStep', ...one.owner(), data: { planned: random.chance(0.4) ? deadline(random, one.today + 60) : null, text: account(random) } });
  else if (kind < 0.25) linkDuplicate(one);
  else if (kind < 0.28) one.act({ type: 'AssignIssue', ...one.owner(), data: { departmentOrgId: null, leader: organisations.leader(random, one.orgId) } });
  else report(one);
};

/** Reports until the aim is near, then measure by measure to the end, then the claim. */
export const goOn = (one: IssueCase): number => {
  const { random } = one.world;
  if (one.track === 'IMMEDIATE' && one.measures.length < one.measuresWanted) {
    addMeasure(one);
    return random.int(1, 5);
  }
  one.aim ??= one.today + random.int(10, 60);
  const untilNear = one.aim - daysBeforeAim - one.today;
  if (untilNear > 0) {
    meanwhile(one, one.aim);
    return Math.min(random.longTail(8, 28, 0.6), untilNear);
  }
  if (one.settleOne()) return random.int(1, 3);
  return one.today < one.aim ? one.aim - one.today : claim(one);
};

const reportPhase = (one: IssueCase): number => {
  const { random } = one.world;
  const data = { nextStep: account(random), result: effect(random) };
  one.phases += 1;
  if (one.state.state === 'PHASED' || random.chance(0.7)) one.act({ type: 'ReportPhaseResult', ...one.owner(), data });
  else one.act({ type: 'CompletePhase', ...one.owner(), data });
  return random.int(40, 110);
};

const drawnResiduals = (one: IssueCase): readonly Residual[] => {
  const { random } = one.world;
  return Array.from({ length: random.weighted([[0.3, 0], [0.5, 1], [0.2, 2]]) }, (_, n) => ({
    key: '③④'.charAt(n), printed: `${issueTitle(random)}尚在办理`, ...(random.chance(0.7) && { planned: deadline(random, one.today + random.int(30, 150)) }),
  }));
};

/** What is left of the sub-findings is fixed now, or named with the claim. */
const openSubFindings = (one: IssueCase): string | null => {
  const { random } = one.world;
  const isOpen = (): boolean => { const { subFindings } = one.state; return subFindings?.fixed != null && subFindings.fixed < subFindings.found; };
  if (isOpen() && random.chance(0.6)) tally(one, true);
  const { subFindings } = one.state;
  return isOpen() && subFindings !== null ? `尚余${subFindings.found - (subFindings.fixed ?? 0)}${subFindings.unit}，正在办理` : null;
};

const reportCompletion = (one: IssueCase): number => {
  const { random } = one.world;
  const open = openSubFindings(one);
  const basis = random.weighted([[0.94, 'RECTIFIED'], [0.03, 'TRANSFERRED'], [0.03, 'MERGED']] as const);
  one.actOnMeasures({ type: 'ReportCompletion', ...one.owner(), data: { basis, openSubFindings: open, result: effect(random) } });
  return random.longTail(2, 14, 0.9);
};

/** Done, done but for something, a phase of it done, or somebody else's. */
const claim = (one: IssueCase): number => {
  const { random } = one.world;
  if (one.track === 'LONG_TERM' || (one.phases === 0 && random.chance(0.06))) return reportPhase(one);
  if (one.state.residuals.length === 0 && random.chance(0.13)) {
    one.act({ type: 'ReportBasicCompletion', ...one.owner(), data: { residuals: drawnResiduals(one) } });
    return random.int(10, 50);
  }
  if (random.chance(0.025)) {
    one.act({ type: 'TransferIssue', ...one.owner(), data: { basis: '超出本单位管理权限', to: random.pick(['省级主管部门', '属地人民政府', '上级纪检监察机关', '行业协会']) } });
    return 1;
  }
  return hasOpenResidual(one.state) ? finishRest(one) : reportCompletion(one);
};

/** Residual by residual; then the claim, unless somebody does not believe it. */
export const finishRest = (one: IssueCase): number => {
  const { random, journal } = one.world;
  const open = one.state.residuals.find((residual) => residual.open);
  if (open !== undefined) {
    one.act({ type: 'CompleteResidual', ...one.owner(journal.today), data: { key: open.key } });
    return random.int(5, 40);
  }
  if (one.settleOne()) return random.int(1, 4);
  if (one.state.state !== 'BASICALLY_DONE' || !random.chance(0.08)) return reportCompletion(one);
  one.act({ type: 'RejectCompletion', ...one.supervisor(), data: { reason: finding(random) } });
  one.aim = one.today + random.int(15, 60);
  return random.int(5, 15);
};

/** A long-term task reports each period until it becomes routine; another goes on to its end. */
export const afterPhase = (one: IssueCase): number => {
  const { random } = one.world;
  if (one.track !== 'LONG_TERM') return one.settleOne() ? random.int(2, 20) : claim(one);
  if (one.phases < 2 || !random.chance(0.4)) return reportPhase(one);
  const lookBackOn = deadline(random, one.today + random.int(120, 360));
  one.act({ type: 'MoveToRoutine', ...one.supervisor(), data: { continuation: 'KEEP_IMPLEMENTING', lookBackOn } });
  return random.int(90, 300);
};
