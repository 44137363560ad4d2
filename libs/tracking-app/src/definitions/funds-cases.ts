import type { EventId, FundsCaseId, InspectionId, IssueId } from '@rectrail/kernel';
import { fundsKinds, wire, type FundsCaseState } from '@rectrail/tracking-domain';
import { z } from 'zod';
import { actingOn, frameOf, live, make, requireAggregate, requireNamed, type Acting } from '../aggregate.ts';
import { fundsCases, inspections, issues } from '../aggregates.ts';
import { orgRef, orNull } from '../body-schema.ts';
import { defineCommand, type CommandDefinition } from '../command-definition.ts';
import { CommandRejected } from '../command-rejected.ts';
import { requireOwner } from '../organisations.ts';
import { requireOwnIssues } from './issue-rules.ts';

const money = wire.money.describe('Fen as a decimal string (5441000 = 54,410 元); `fen` null where the source says only "in full"');
const issueIds = wire.listOf(wire.uuidOf<IssueId>()).default([]);

const identifyFunds = defineCommand({
  name: 'IdentifyFunds',
  path: '/funds-cases',
  summary: 'Open a funds case: irregular money was identified',
  body: live({
    org: orgRef.optional().describe('Whose money it is; default the owner of the first issue'),
    inspectionId: orNull(wire.uuidOf<InspectionId>()).describe('Default the inspection of the first issue'),
    issueIds, money, kind: z.enum(fundsKinds),
  }),
  ifMatch: 'none',
  stream: null,
  execute: async (context, unit, _target, { on, org, inspectionId: named, issueIds: of, money: identified, kind }) => {
    const [first] = of;
    const issue = first === undefined ? null : (await requireAggregate(issues, context, unit, { id: first, pointer: '/issueIds/0' })).scope;
    const reference = org ?? issue?.orgId;
    if (reference == null) throw new CommandRejected('validation-failed', 'a funds case needs an organisation or an issue', { errors: [{ pointer: '/org', code: 'validation-failed', detail: 'name the organisation or an issue' }] });
    const orgId = await requireOwner(context, unit, reference);
    await requireOwnIssues(context, unit, orgId, of);
    if (named !== null) await requireNamed(inspections, context, unit, { id: named, pointer: '/inspectionId' });
    const inspectionId = named ?? issue?.inspectionId ?? null;
    const fundsCaseId = context.newId('funds-case') as FundsCaseId;
    const frame = frameOf(context, on);
    return make(fundsCases, context, unit, {
      id: fundsCaseId, scope: { orgId, ...(inspectionId === null ? {} : { inspectionId }) }, frame,
      command: { type: 'IdentifyFunds', ...frame, data: { fundsCaseId, orgId, inspectionId, issueIds: of, money: identified, kind } },
    });
  },
});

const act = actingOn(fundsCases);

const payment = live({ money, kind: z.enum(fundsKinds).optional().describe('Default the kind first stated'), voucher: orNull(wire.title) });

/** What a payment states: the case that it belongs to, and the money. */
const paid = ({ money: amount, kind, voucher }: z.output<typeof payment>, { situation: { now } }: Acting<FundsCaseState>) => {
  if (now.identity === null) throw new Error('the case was found before');
  const first = [...now.identified, ...now.recovered, ...now.returned][0];
  return { ...now.identity, issueIds: now.issueIds, money: amount, kind: kind ?? first?.kind ?? 'OTHER', voucher };
};

const of = wire.uuidOf<EventId>().describe('The event of the recovery or return');

export const fundsCaseCommands: readonly CommandDefinition[] = [
  identifyFunds,
  act({
    name: 'RecoverFunds', verb: 'recover', summary: 'Money was recovered (追回)', body: payment,
    command: (body, acting) => ({ type: 'RecoverFunds', ...acting.frame, data: paid(body, acting) }),
  }),
  act({
    name: 'ReturnFunds', verb: 'return', summary: 'Money was returned by those who had it (退出)', body: payment,
    command: (body, acting) => ({ type: 'ReturnFunds', ...acting.frame, data: paid(body, acting) }),
  }),
  act({
    name: 'SpecifyRecoveryAmount', verb: 'specify-amount', summary: 'Specify the amount of a recovery or return that was unknown', body: live({ of, money }),
    command: (body, { frame }) => ({ type: 'SpecifyRecoveryAmount', ...frame, data: { of: body.of, money: body.money } }),
  }),
  act({
    name: 'ReverseRecovery', verb: 'reverse', summary: 'A recovery or return was reversed', body: live({ of, reason: wire.freeText }),
    command: (body, { frame }) => ({ type: 'ReverseRecovery', ...frame, data: { of: body.of, reason: body.reason } }),
  }),
  act({
    name: 'LinkFundsDuplicate', verb: 'link-duplicate', summary: 'State that two cases may count the same money; shown, never deducted',
    body: live({ otherCaseId: wire.uuidOf<FundsCaseId>(), note: wire.freeText }),
    command: async ({ otherCaseId, note }, { frame, context, unit }) => {
      await requireNamed(fundsCases, context, unit, { id: otherCaseId, pointer: '/otherCaseId' });
      return { type: 'LinkFundsDuplicate', ...frame, data: { otherCaseId, statedBy: 'PERSON', note } };
    },
  }),
];
