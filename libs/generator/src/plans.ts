import type { Actor, Day, InspectionId, IssueId, OrgId, PlanId } from '@rectrail/kernel';
import { missingConsents, streams, type PlanCommand, type PlanEvent, type PlanState } from '@rectrail/tracking-domain';
import { act } from './acting.ts';
import type { Task } from './agenda.ts';
import { planKind } from './kinds.ts';
import { StreamEnd } from './journal.ts';
import { LiveAggregate } from './live-aggregate.ts';
import { happened, inDays, newId, type World } from './world.ts';

interface PlanOf { readonly orgId: OrgId; readonly inspectionId: InspectionId; readonly issueIds: readonly IssueId[] }

const planTitle = '巡察反馈问题整改方案';

/** The plan of one organisation for its issues of an inspection: drafted, consented to or sent back, issued. */
export class PlanWork implements Task {
  readonly #world: World;
  readonly #of: PlanOf;
  readonly #planId: PlanId;
  readonly #plan: LiveAggregate<PlanState, PlanCommand, PlanEvent>;

  constructor(world: World, of: PlanOf) {
    this.#world = world;
    this.#of = of;
    this.#planId = newId(world);
    this.#plan = new LiveAggregate(planKind, new StreamEnd(streams.plan(this.#planId)), { orgId: of.orgId, inspectionId: of.inspectionId });
  }

  names(issueId: IssueId): boolean {
    return this.#of.issueIds.includes(issueId);
  }

  /** The plan, once it is issued and names the issue. */
  issuedFor(issueId: IssueId): PlanId | null {
    return this.#plan.now.version > 0 && this.#plan.now.issuedFor.includes(issueId) ? this.#planId : null;
  }

  run(): void {
    const { random, agenda, organisations, policies } = this.#world;
    const { orgId, inspectionId, issueIds } = this.#of;
    const { now } = this.#plan;
    const frame = { on: happened(this.#world, this.#notBefore()), by: organisations.reporter(random, orgId) };
    switch (now.status) {
      case null:
        act(this.#world, this.#plan, { type: 'DraftPlan', ...frame, data: { inspectionId, issueIds, orgId, planId: this.#planId, title: planTitle } });
        break;
      case 'DRAFTED':
        act(this.#world, this.#plan, { type: 'SubmitPlan', ...frame, data: { approvers: policies.on(orgId, frame.on.last).approvers } });
        break;
      case 'RETURNED':
        act(this.#world, this.#plan, { type: 'RevisePlan', ...frame, data: { issueIds, title: `${planTitle}（修订）` } });
        break;
      case 'SUBMITTED':
        this.#judge();
        break;
      case 'ISSUED':
        this.#plan.settle();
        return;
    }
    agenda.put(inDays(this.#world, random.longTail(1, 4, 0.8)), this);
  }

  #judge(): void {
    const { random, organisations } = this.#world;
    const on = happened(this.#world, this.#notBefore());
    const [approver] = missingConsents(this.#plan.now);
    if (approver === undefined) {
      act(this.#world, this.#plan, { type: 'IssuePlan', on, by: organisations.reporter(random, this.#of.orgId), data: {} });
      return;
    }
    // Each approver has somebody of its own, whose word is not that of another.
    const by: Actor = { orgId: null, role: approver, subject: `${approver.toLowerCase()}-${random.int(1, 3)}`, assurance: 'local-token' };
    if (random.chance(0.3)) act(this.#world, this.#plan, { type: 'ReturnPlan', on, by, data: { approver, reason: '措施不够具体，责任未落实到人' } });
    else act(this.#world, this.#plan, { type: 'ConsentToPlan', on, by, data: { approver } });
  }

  #notBefore(): Day | null {
    const { lastStep, consents } = this.#plan.now;
    return consents.reduce<Day | null>((last, { on }) => (on !== null && (last === null || on.last > last) ? on.last : last), lastStep?.last ?? null);
  }
}
