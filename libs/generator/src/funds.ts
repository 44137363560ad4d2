import type { Actor, EventId, FundsCaseId, FuzzyDate, InspectionId, IssueId, Money, OrgId } from '@rectrail/kernel';
import { fundsKinds, streams, type FundsCaseCommand, type FundsCaseEvent, type FundsCaseState, type FundsKind } from '@rectrail/tracking-domain';
import { act } from './acting.ts';
import type { Task } from './agenda.ts';
import { fundsCaseKind } from './kinds.ts';
import { StreamEnd } from './journal.ts';
import { LiveAggregate } from './live-aggregate.ts';
import type { Random } from './random.ts';
import { reason } from './texts.ts';
import { happened, inDays, newId, type World } from './world.ts';

const fenPerYuan = 100;
const fenPerWan = 1_000_000;

/** Whole yuan from some hundreds to millions; the larger are printed in 万元. */
export const drawnMoney = (random: Random, medianYuan: number): Money => {
  const yuan = Math.min(random.longTail(200, medianYuan, 1.4), 90_000_000);
  if (yuan < 10_000) return { fen: String(yuan * fenPerYuan), printed: `${yuan}元` };
  const hundredths = Math.round(yuan / 100);
  return { fen: String(hundredths * 100 * fenPerYuan), printed: `${hundredths / 100}万元`, printedPrecisionFen: String(fenPerWan / 100), ...(random.chance(0.1) && { approx: true }) };
};

const inFull: Money = { fen: null, printed: '全额' };

interface Frame { readonly on: FuzzyDate; readonly by: Actor }
interface CaseOf { readonly issueId: IssueId; readonly orgId: OrgId; readonly inspectionId: InspectionId }

/** Money found, then recovered or returned in instalments; now and then reversed, of unknown amount, or said to be that of another case. */
export class FundsWork implements Task {
  readonly #world: World;
  readonly #of: CaseOf;
  readonly #case: LiveAggregate<FundsCaseState, FundsCaseCommand, FundsCaseEvent>;
  readonly #fundsCaseId: FundsCaseId;
  readonly #kind: FundsKind;
  readonly #other: FundsCaseId | null;
  #instalments: number;

  /** `other`: a case of the same organisation, which may count the same money. */
  constructor(world: World, of: CaseOf, other: FundsCaseId | null) {
    const { random } = world;
    this.#world = world;
    this.#of = of;
    this.#other = other;
    this.#fundsCaseId = newId(world);
    this.#kind = random.pick(fundsKinds);
    this.#instalments = Math.min(random.longTail(1, 2, 0.6), 6);
    this.#case = new LiveAggregate(fundsCaseKind, new StreamEnd(streams.fundsCase(this.#fundsCaseId)), { orgId: of.orgId, inspectionId: of.inspectionId });
  }

  get id(): FundsCaseId {
    return this.#fundsCaseId;
  }

  run(): void {
    const { random, agenda, organisations } = this.#world;
    const { now } = this.#case;
    const frame = { on: happened(this.#world, null), by: organisations.reporter(random, this.#of.orgId) };
    if (now.identity === null) {
      act(this.#world, this.#case, { type: 'IdentifyFunds', ...frame, data: { ...this.#identity(), money: drawnMoney(random, 30_000) } });
    } else if (now.recovered.length + now.returned.length < this.#instalments) {
      const money = random.chance(0.08) ? inFull : drawnMoney(random, 12_000);
      const data = { ...this.#identity(), money, voucher: random.chance(0.7) ? `缴款书第${random.int(1_000, 9_999)}号` : null };
      if (random.chance(0.75)) act(this.#world, this.#case, { type: 'RecoverFunds', ...frame, data });
      else act(this.#world, this.#case, { type: 'ReturnFunds', ...frame, data });
    } else {
      this.#settle(frame);
      return;
    }
    agenda.put(inDays(this.#world, random.longTail(3, 25, 0.9)), this);
  }

  /** What is still unknown is told, now and then; then the case is closed. */
  #settle(frame: Frame): void {
    const { random, agenda } = this.#world;
    const { now } = this.#case;
    const paid = [...now.recovered, ...now.returned];
    const unknown = paid.find(({ eventId, money }) => money.fen === null && !now.specified.has(eventId) && !now.reversed.has(eventId));
    if (unknown !== undefined && random.chance(0.6)) {
      this.#onPaid(frame, unknown.eventId, 'SpecifyRecoveryAmount');
      agenda.put(inDays(this.#world, random.int(10, 60)), this);
    } else if (random.chance(0.04) && paid[0] !== undefined && !now.reversed.has(paid[0].eventId)) this.#onPaid(frame, paid[0].eventId, 'ReverseRecovery');
    else if (this.#other !== null && random.chance(0.3)) {
      act(this.#world, this.#case, { type: 'LinkFundsDuplicate', ...frame, data: { note: '与另一事项所涉票据相同，可能为同一笔资金', otherCaseId: this.#other, statedBy: 'PERSON' } });
    }
  }

  #onPaid(frame: Frame, of: EventId, type: 'SpecifyRecoveryAmount' | 'ReverseRecovery'): void {
    const { random } = this.#world;
    // Effective today: what it speaks of has happened by then.
    const on = happened(this.#world, this.#world.journal.today);
    if (type === 'ReverseRecovery') act(this.#world, this.#case, { type, by: frame.by, on, data: { of, reason: reason(random) } });
    else act(this.#world, this.#case, { type, by: frame.by, on, data: { money: drawnMoney(random, 12_000), of } });
  }

  #identity(): { fundsCaseId: FundsCaseId; inspectionId: InspectionId; issueIds: readonly IssueId[]; kind: FundsKind; orgId: OrgId } {
    return { fundsCaseId: this.#fundsCaseId, inspectionId: this.#of.inspectionId, issueIds: [this.#of.issueId], kind: this.#kind, orgId: this.#of.orgId };
  }
}
