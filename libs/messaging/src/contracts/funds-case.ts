import { knownFen, type FundsCaseId, type InspectionId, type IssueId, type OrgId } from '@rectrail/kernel';
import {
  evolveFundsCase, fundsCaseEventDefinitions, fundsKinds, fundsTotals, initialFundsCaseState, standingEntries, wire,
  type FundsCaseEvent, type FundsCaseState, type FundsEntry,
} from '@rectrail/tracking-domain';
import { z } from 'zod';
import { contractOf, listOf } from './contract.ts';

const fundsCaseId = wire.uuidOf<FundsCaseId>();

const sumOfKind = z.object({
  kind: z.enum(fundsKinds),
  fen: z.string().regex(/^(0|[1-9]\d*)$/).nullable().describe('sum of the known amounts in fen, a decimal string; null where every amount is unknown ("in full")'),
  unknownAmounts: wire.count.describe('entries without an amount ("in full"): counted, never guessed'),
});

export const fundsCaseState = z.object({
  fundsCaseId,
  orgId: wire.uuidOf<OrgId>(),
  inspectionId: wire.uuidOf<InspectionId>().nullable(),
  issueIds: listOf(wire.uuidOf<IssueId>()),
  identified: listOf(sumOfKind).describe('by kind, in the order in which the kinds were first stated'),
  recovered: listOf(sumOfKind).describe('追回; reversed entries are left out'),
  returned: listOf(sumOfKind).describe('退出; reversed entries are left out'),
  beyondIdentified: z.boolean().describe('more came back than was identified, all amounts being known'),
  duplicateCaseIds: listOf(fundsCaseId).describe('cases that may count the same money, as a source or a person states; nothing is deducted'),
});

const byKind = (entries: readonly FundsEntry[]): readonly z.output<typeof sumOfKind>[] =>
  [...Map.groupBy(entries, ({ kind }) => kind)].map(([kind, ofKind]) => {
    const unknownAmounts = ofKind.filter(({ money }) => money.fen === null).length;
    const sum = ofKind.reduce((fen, { money }) => fen + knownFen(money), 0n);
    return { kind, fen: unknownAmounts === ofKind.length ? null : sum.toString(), unknownAmounts };
  });

const tell = (s: FundsCaseState): z.output<typeof fundsCaseState> | null => {
  if (s.identity === null) return null;
  return {
    fundsCaseId: s.identity.fundsCaseId, orgId: s.identity.orgId, inspectionId: s.identity.inspectionId, issueIds: s.issueIds,
    identified: byKind(s.identified), recovered: byKind(standingEntries(s, s.recovered)), returned: byKind(standingEntries(s, s.returned)),
    beyondIdentified: fundsTotals(s).beyondIdentified, duplicateCaseIds: [...new Set(s.duplicates.map(({ otherCaseId }) => otherCaseId))],
  };
};

export const fundsCaseContract = contractOf<FundsCaseEvent, FundsCaseState, typeof fundsCaseState>({
  noun: 'funds', singular: 'funds-case', events: fundsCaseEventDefinitions, state: fundsCaseState, initial: initialFundsCaseState, fold: evolveFundsCase, tell,
});
