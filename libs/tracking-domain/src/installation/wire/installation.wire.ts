import { z } from 'zod';
import { definitionsOf, title, type EventSchemas } from '../../wire/primitives.ts';
import type { InstallationEvent } from '../installation.events.ts';

/** The newest version of the event of the first start. */
export const installationEventSchemas = {
  InstallationInitialised: z.strictObject({
    /** An IANA name: Asia/Shanghai, UTC. */
    zone: z.string().regex(/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,2}$/).max(64),
    jurisdiction: title,
  }),
} satisfies EventSchemas<InstallationEvent>;

export const installationEventDefinitions = definitionsOf(installationEventSchemas);
