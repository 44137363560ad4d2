import type { DomainEvent } from '@rectrail/kernel';

/** Stream `installation`; written once, at the first start. `zone` is an IANA name and never changes. No validTime. */
export type InstallationEvent = DomainEvent<'InstallationInitialised', { readonly zone: string; readonly jurisdiction: string }>;
