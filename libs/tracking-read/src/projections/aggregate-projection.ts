import type { DomainEvent, Fact, OrgId, Position, StreamId } from '@rectrail/kernel';
import { defineProjection, type ContextOf, type Projection, type TableDefinition } from '@rectrail/projections';
import { closeRows, columnTypes, insertRows, stillStands, type Columns, type Row } from '../database/rows.ts';
import { timelineChanges, type Rectangle, type TimelineDefinition } from '../timeline/timeline.ts';

/** What a view adds to the roll-ups of its owner: `n` things (or amounts) and so many fen in a cell. */
export interface Contribution { readonly cell: string; readonly n: number; readonly fen: bigint }

/** What every view of an aggregate carries: its owner, and its own columns in the register. */
export interface RegisterView { readonly orgId: OrgId }

export interface AggregateProjectionOptions<E extends DomainEvent, S, W extends RegisterView> {
  readonly name: string;
  readonly version: number;
  readonly streamPrefix: string;
  /** Tables of the register and of the signed points. */
  readonly rowTable: string;
  readonly pointTable: string;
  readonly timeline: TimelineDefinition<Fact<E>, S, W>;
  /** Columns of the register beside those of the rectangle, and its indexes. */
  readonly columns: TableDefinition['columns'];
  readonly indexes: NonNullable<TableDefinition['indexes']>;
  readonly row: (view: W) => Row;
  readonly contributions: (view: W) => readonly Contribution[];
}

/** `id` is the aggregate. The open row of a corner is found by the partial index. */
const registerTable = (name: string, columns: TableDefinition['columns'], indexes: NonNullable<TableDefinition['indexes']>): TableDefinition => ({
  name,
  columns: {
    id: 'text not null', org_id: 'text not null', valid_from: 'date not null', valid_to: 'date not null', known_from: 'timestamptz not null', known_to: 'timestamptz not null',
    pos_from: 'bigint not null', pos_to: 'bigint not null', ...columns,
  },
  primaryKey: ['id', 'pos_from', 'known_from', 'valid_from'],
  indexes: { [`${name}_open`]: `(id, valid_from, known_from) where pos_to = ${stillStands}`, ...indexes },
});

/** Signed points: any sum over (valid day, known instant, position) is a range of the index alone. */
const pointTable = (name: string): TableDefinition => ({
  name,
  columns: {
    org_id: 'text not null', cell: 'text not null', valid_from: 'date not null', known_from: 'timestamptz not null', position: 'bigint not null', n: 'integer not null', fen: 'bigint not null',
  },
  primaryKey: ['org_id', 'cell', 'valid_from', 'known_from', 'position'],
  include: ['n', 'fen'],
});

const cornerColumns: Columns = { id: 'text', valid_from: 'date', known_from: 'timestamptz' };

interface Point { readonly org_id: string; readonly cell: string; readonly valid_from: string; readonly known_from: string; readonly position: Position; n: number; fen: bigint }

/** Points of one position, summed where they meet: what cancels at a position never stood and leaves no row. */
class PointSum<W extends RegisterView> {
  readonly #points = new Map<string, Point>();
  readonly #position: Position;
  readonly #contributions: (view: W) => readonly Contribution[];

  constructor(position: Position, contributions: (view: W) => readonly Contribution[]) {
    this.#position = position;
    this.#contributions = contributions;
  }

  /** The four corners of the rectangle; those at an open end are never reached by a cut. */
  add(rectangle: Rectangle<W>, sign: 1 | -1): void {
    const corners = [
      [rectangle.validFrom, rectangle.knownFrom, sign], [rectangle.validTo, rectangle.knownFrom, -sign],
      [rectangle.validFrom, rectangle.knownTo, -sign], [rectangle.validTo, rectangle.knownTo, sign],
    ] as const;
    for (const contribution of this.#contributions(rectangle.view)) {
      for (const [validFrom, knownFrom, factor] of corners) {
        if (validFrom !== 'infinity' && knownFrom !== 'infinity') this.#addPoint(rectangle.view.orgId, contribution, validFrom, knownFrom, factor);
      }
    }
  }

  rows(): readonly Row[] {
    return [...this.#points.values()].filter((point) => point.n !== 0 || point.fen !== 0n).map((point) => ({ ...point, fen: String(point.fen) }));
  }

  // eslint-disable-next-line max-params -- a point is its coordinates
  #addPoint(orgId: string, { cell, n, fen }: Contribution, validFrom: string, knownFrom: string, factor: number): void {
    const key = `${orgId} ${cell} ${validFrom} ${knownFrom}`;
    const point = this.#points.get(key) ?? { org_id: orgId, cell, valid_from: validFrom, known_from: knownFrom, position: this.#position, n: 0, fen: 0n };
    point.n += n * factor;
    point.fen += fen * BigInt(factor);
    this.#points.set(key, point);
  }
}

interface OpenRow extends Row { pos_to: number }

/** Gathers what a batch changes, so that it is written with one statement a table. */
class BatchChanges<E extends DomainEvent, S, W extends RegisterView> {
  readonly rows: OpenRow[] = [];
  readonly closed: Row[] = [];
  readonly points: Row[] = [];
  readonly #options: AggregateProjectionOptions<E, S, W>;

  constructor(options: AggregateProjectionOptions<E, S, W>) {
    this.#options = options;
  }

  addStream(streamId: StreamId, earlier: readonly Fact<E>[], added: readonly Fact<E>[]): void {
    const { streamPrefix, timeline, contributions, row } = this.#options;
    const id = streamId.slice(streamPrefix.length);
    const openedHere = new Map<string, OpenRow>();
    for (const { fact: { position }, closed, opened } of timelineChanges(earlier, added, timeline)) {
      const points = new PointSum<W>(position, contributions);
      for (const rectangle of closed) {
        points.add(rectangle, -1);
        const here = openedHere.get(rectangle.key);
        if (here === undefined) this.closed.push({ id, valid_from: rectangle.validFrom, known_from: rectangle.knownFrom, pos_to: position });
        else here.pos_to = position;
        openedHere.delete(rectangle.key);
      }
      for (const rectangle of opened) {
        points.add(rectangle, 1);
        const { validFrom, validTo, knownFrom, knownTo, view } = rectangle;
        const made: OpenRow = {
          id, org_id: view.orgId, valid_from: validFrom, valid_to: validTo, known_from: knownFrom, known_to: knownTo, pos_from: position, pos_to: stillStands, ...row(view),
        };
        openedHere.set(rectangle.key, made);
        this.rows.push(made);
      }
      this.points.push(...points.rows());
    }
  }
}

/** Facts by stream, in the order of the log. */
export const byStream = <F extends Fact>(facts: readonly F[]): ReadonlyMap<StreamId, readonly F[]> => Map.groupBy(facts, (fact) => fact.streamId);

/** Streams of which the batch does not hold the beginning. */
export const begunEarlier = (streams: ReadonlyMap<StreamId, readonly Fact[]>): readonly StreamId[] =>
  [...streams].filter(([, facts]) => (facts[0]?.streamVersion ?? 1) > 1).map(([id]) => id);

/**
 * A register of rectangles and its signed points (docs/adr/0005-rectangles-and-signed-points.md): each fact's position gets the
 * difference between the stream's timeline before and after it.
 */
export const aggregateProjection = <E extends DomainEvent, S, W extends RegisterView>(options: AggregateProjectionOptions<E, S, W>): Projection => {
  const rows = registerTable(options.rowTable, options.columns, options.indexes);
  const points = pointTable(options.pointTable);
  return defineProjection<E>({
    name: options.name,
    version: options.version,
    streamPrefix: options.streamPrefix,
    tables: [rows, points],
    async apply(facts: readonly Fact<E>[], context: ContextOf<E>) {
      const { tx, schema } = context;
      const streams = byStream(facts);
      const before = await context.earlier(begunEarlier(streams));
      const changes = new BatchChanges(options);
      for (const [streamId, added] of streams) changes.addStream(streamId, before.get(streamId) ?? [], added);
      await closeRows(tx, `${schema}.${rows.name}`, cornerColumns, changes.closed);
      await insertRows(tx, `${schema}.${rows.name}`, columnTypes(rows), changes.rows);
      await insertRows(tx, `${schema}.${points.name}`, columnTypes(points), changes.points);
    },
  });
};
