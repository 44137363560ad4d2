import { z } from 'zod';
import { definitionsOf, freeText, listOf, title, type EventSchemas } from '../../wire/primitives.ts';
import type { InstallationEvent } from '../installation.events.ts';

const epoch = z.int().min(1).max(999_999_999);
const logSize = z.int().min(0);
/** Base64 of 32 bytes. */
const treeRoot = z.string().regex(/^[A-Za-z0-9+/]{43}=$/);

/** The newest version of each event of the installation itself. */
export const installationEventSchemas = {
  InstallationInitialised: z.strictObject({
    /** An IANA name: Asia/Shanghai, UTC. */
    zone: z.string().regex(/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,2}$/).max(64),
    jurisdiction: title,
  }),
  EpochBegun: z.strictObject({
    epoch,
    previous: z.strictObject({ epoch, size: logSize, root: treeRoot }),
    abandoned: listOf(z.strictObject({ by: z.enum(['folder', 'kafka', 'witness', 'operator']), epoch, size: logSize, root: treeRoot.nullable() })),
    reason: freeText,
  }),
} satisfies EventSchemas<InstallationEvent>;

export const installationEventDefinitions = definitionsOf(installationEventSchemas);
