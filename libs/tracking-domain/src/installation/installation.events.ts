import type { DomainEvent } from '@rectrail/kernel';

/** What somebody outside had seen of a branch of the log that the new epoch does not go on from: so many events, and the root over them (base64) where it is known. */
export interface AbandonedBranch {
  readonly by: 'folder' | 'kafka' | 'witness' | 'operator';
  readonly epoch: number;
  readonly size: number;
  readonly root: string | null;
}

/**
 * Stream `installation`. `InstallationInitialised` is written once, at the first start; `zone` is an IANA name and never changes. `EpochBegun` is the first event of each later
 * epoch (docs/reference/leaf.md): the log had been put back to an older copy, and goes on from there under another name. `previous` is that copy: its epoch, its events, and the
 * RFC 6962 root over them, base64. No validTime.
 */
export type InstallationEvent =
  | DomainEvent<'InstallationInitialised', { readonly zone: string; readonly jurisdiction: string }>
  | DomainEvent<'EpochBegun', {
    readonly epoch: number;
    readonly previous: { readonly epoch: number; readonly size: number; readonly root: string };
    readonly abandoned: readonly AbandonedBranch[];
    readonly reason: string;
  }>;
