import { accept, dayIn, instantOfMs, nothing, reject, type Decision, type Rejection } from '@rectrail/kernel';
import type { RejectionText } from '../time/live-command.ts';
import type { InstallationEvent } from './installation.events.ts';
import type { Installation } from './installation.state.ts';

/** The first start; cut by position alone, so it has no day of its own. */
export interface InitialiseInstallation { readonly type: 'InitialiseInstallation'; readonly data: Installation }

export const installationRejections = {
  'unknown-zone': { en: 'The time zone is not a name of the IANA database.', zh: '时区不是有效的 IANA 时区名称。' },
  'already-initialised': { en: 'The installation was initialised already; its zone never changes.', zh: '系统已完成初始化，时区不可更改。' },
} as const satisfies Record<string, RejectionText>;

export type InstallationRejection = Rejection & { readonly code: keyof typeof installationRejections };

const isZone = (zone: string): boolean => {
  try {
    dayIn(zone, instantOfMs(0));
    return true;
  } catch {
    // The runtime's own list is the only one there is, and it answers by throwing.
    return false;
  }
};

export const decideInstallation = ({ data }: InitialiseInstallation, installation: Installation | null): Decision<InstallationEvent, InstallationRejection> => {
  if (!isZone(data.zone)) return reject({ code: 'unknown-zone', detail: `no such zone: ${data.zone}`, pointer: '/zone' });
  if (installation === null) return accept({ type: 'InstallationInitialised', data });
  const same = installation.zone === data.zone && installation.jurisdiction === data.jurisdiction;
  return same ? nothing() : reject({ code: 'already-initialised', detail: `initialised for ${installation.jurisdiction}, ${installation.zone}` });
};
