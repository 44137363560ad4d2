import type { EventId, FundsCaseId, InspectionId, IssueId, OrgId } from '@rectrail/kernel';
import { z } from 'zod';
import { definitionsOf, freeText, listOf, money, title, uuidOf, type EventSchemas } from '../../wire/primitives.ts';
import { fundsKinds, type FundsCaseEvent } from '../funds-case.events.ts';

const moneyOfCase = {
  fundsCaseId: uuidOf<FundsCaseId>(),
  orgId: uuidOf<OrgId>(),
  inspectionId: uuidOf<InspectionId>().nullable(),
  issueIds: listOf(uuidOf<IssueId>()),
  money,
  kind: z.enum(fundsKinds),
};
const of = uuidOf<EventId>();

/** The newest version of each event of a funds case. */
export const fundsCaseEventSchemas = {
  IrregularFundsIdentified: z.strictObject(moneyOfCase),
  FundsRecovered: z.strictObject({ ...moneyOfCase, voucher: title.nullable() }),
  FundsReturned: z.strictObject({ ...moneyOfCase, voucher: title.nullable() }),
  RecoveryAmountSpecified: z.strictObject({ of, money }),
  RecoveryReversed: z.strictObject({ of, reason: freeText }),
  FundsDuplicateLinked: z.strictObject({ otherCaseId: uuidOf<FundsCaseId>(), statedBy: z.enum(['SOURCE', 'PERSON']), note: freeText }),
} satisfies EventSchemas<FundsCaseEvent>;

export const fundsCaseEventDefinitions = definitionsOf(fundsCaseEventSchemas);
