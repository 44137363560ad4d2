import type { Day, DomainEvent } from '@rectrail/kernel';

/** Stream `source-{documentId}`: one event an import, so that two imports of one document are never decided side by side. No validTime. */
export type SourceEvent = DomainEvent<'SourceIngested', {
  readonly importId: string;
  readonly documentId: string;
  readonly title: string;
  readonly format: string;
  readonly sha256: string;
  readonly publishedOn: Day;
  readonly receivedOn: Day | null;
  readonly rows: number;
  readonly rowsNew: number;
  readonly rowsChanged: number;
  readonly rowsRemoved: number;
}>;
