import type { UnitOfWork } from '@rectrail/event-store';
import type { StreamId } from '@rectrail/kernel';
import type { CommandDefinition, CommandTarget } from './command-definition.ts';
import { CommandRejected } from './command-rejected.ts';

/**
 * A stale If-Match is refused before anything is decided, so the runner never retries it; a writer that comes between makes the
 * runner run the command again, which then ends here. It tells the version, so it comes after the actor's jurisdiction.
 *
 * @throws CommandRejected `stream-version-conflict` where the stream is not as the caller has seen it.
 */
export const checkVersion = async (unit: UnitOfWork, stream: StreamId, ifMatch: number | null): Promise<void> => {
  if (ifMatch === null) return;
  const { version } = await unit.load(stream);
  if (version === ifMatch) return;
  throw new CommandRejected('stream-version-conflict', `the resource is at version ${version}, not at ${ifMatch}: read it again and decide again`, {
    errors: [{ header: 'If-Match', code: 'stream-version-conflict', detail: `the version is ${version}` }],
    extensions: { currentVersion: version },
  });
};

/** @throws CommandRejected `precondition-required` where a person judges what they saw and does not say what that was. */
export const requireIfMatch = (definition: CommandDefinition, target: CommandTarget): void => {
  if (target.ifMatch !== null || definition.ifMatch !== 'required') return;
  throw new CommandRejected('precondition-required', `${definition.name} judges what its caller has seen: say which version by If-Match`, {
    errors: [{ header: 'If-Match', code: 'precondition-required', detail: 'the ETag of the resource as it was read' }],
  });
};
