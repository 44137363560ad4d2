import type { OrgId, TreeId } from '@rectrail/kernel';
import { z } from 'zod';
import { definitionsOf, slugOf, title, uuidOf, type EventSchemas } from '../../wire/primitives.ts';
import { orgLevels, treeKinds, type OrganisationTreeEvent } from '../organisation-tree.events.ts';

const orgId = uuidOf<OrgId>();
/** Given by the authority that keeps the codes: CN-330200-JT. */
const code = title.max(40);

/** The newest version of each event of an organisation tree. */
export const organisationTreeEventSchemas = {
  TreeOpened: z.strictObject({ treeId: slugOf<TreeId>(), jurisdiction: title, kind: z.enum(treeKinds) }),
  OrgRegistered: z.strictObject({ orgId, code, name: title, level: z.enum(orgLevels), parentId: orgId.nullable() }),
  OrgMoved: z.strictObject({ orgId, parentId: orgId.nullable() }),
  OrgRenamed: z.strictObject({ orgId, name: title, code }),
  OrgMerged: z.strictObject({ orgId, successorId: orgId }),
  OrgDissolved: z.strictObject({ orgId }),
} satisfies EventSchemas<OrganisationTreeEvent>;

export const organisationTreeEventDefinitions = definitionsOf(organisationTreeEventSchemas);
