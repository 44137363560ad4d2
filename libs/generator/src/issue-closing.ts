import type { PersonRef } from '@rectrail/kernel';
import { continuations, endorsementKinds, type Endorsement } from '@rectrail/tracking-domain';
import { deadline, numberOf } from './dates.ts';
import type { IssueCase } from './issue-case.ts';
import { account, documentTitle, finding } from './texts.ts';

/** From the claim to the last look-back. Each answers in how many days the next step comes, null where none does. */

/** One claim of seven is sent back, some are found to be sham. */
export const judge = (one: IssueCase): number => {
  const { random } = one.world;
  const frame = one.supervisor();
  const verdict = random.unit();
  if (verdict < 0.86) {
    one.act({ type: 'VerifyIssue', ...frame, data: { evidence: random.chance(0.7) ? [documentTitle(random, '验收材料')] : [], record: `验收记录（${random.int(1, 99)}）` } });
    return random.longTail(1, 10, 0.8);
  }
  if (verdict < 0.985) one.act({ type: 'RejectCompletion', ...frame, data: { reason: finding(random) } });
  else one.act({ type: 'ReopenIssue', ...frame, data: { finding: finding(random), kind: 'SHAM' } });
  one.aim = one.today + random.longTail(10, 40, 0.6);
  return random.int(3, 15);
};

/** Three persons by construction: of two organisations, each with a letter of its own. */
const drawnEndorsements = ({ world: { random, organisations }, orgId }: IssueCase): readonly Endorsement[] => {
  const above = organisations.node(orgId).parentId ?? orgId;
  return endorsementKinds.map((kind, i) => ({ by: `${organisations.leader(random, i === 1 ? above : orgId)}${'abc'.charAt(i)}` as PersonRef, kind }));
};

export const writeOff = (one: IssueCase): number => {
  const { random } = one.world;
  if (random.chance(0.06)) {
    const until = random.chance(0.3) ? deadline(random, one.today + 300) : null;
    one.act({ type: 'CommitContinuation', ...one.owner(), data: { continuation: random.pick(continuations), text: account(random), until } });
  }
  const isWrittenOff = one.act({ type: 'WriteOffIssue', ...one.supervisor(), data: { endorsements: drawnEndorsements(one), slip: `对账销号单第${random.int(1, 9_999)}号` } });
  if (isWrittenOff) {
    // Nothing happens to it but a look-back, perhaps: what of it is needed no more is given up.
    one.live.settle();
    one.measures.length = 0;
  }
  return random.longTail(40, 120, 0.5);
};

/** Most held. Some relapsed and are taken up again; now and then a write-off was on paper only. */
export const lookBack = (one: IssueCase): number | null => {
  const { random } = one.world;
  const frame = one.supervisor();
  const seen = random.unit();
  const sample = random.chance(0.6) ? `抽查${random.int(3, 30)}件` : null;
  one.lookBacks += 1;
  if (seen < 0.006) {
    one.act({ type: 'RevokeWriteOff', ...frame, data: { reason: '经查属纸上销号' } });
    return random.int(5, 20);
  }
  if (seen < 0.05) {
    one.act({ type: 'RecordLookBack', ...frame, data: { finding: finding(random), result: 'RELAPSED', sample } });
    return random.int(5, 20);
  }
  one.act({ type: 'RecordLookBack', ...frame, data: { finding: null, result: seen < 0.13 ? 'PARTLY' : 'HELD', sample } });
  return one.lookBacks > 1 || random.chance(0.7) ? null : random.int(120, 300);
};

export const resume = (one: IssueCase): number => {
  const { random } = one.world;
  const planned = deadline(random, one.today + random.int(30, 120));
  one.act({ type: 'ResumeRectification', ...one.supervisor(), data: { planned } });
  one.aim = numberOf(planned.last) - random.int(-10, 15);
  return random.int(5, 20);
};
