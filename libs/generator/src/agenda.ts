/** Something that will happen on a day. */
export interface Task { run(): void }

/** What happens on which day, in the order in which it was set down. Days beyond the last are nobody's: their tasks are dropped. */
export class Agenda {
  readonly #days = new Map<number, Task[]>();
  readonly #last: number;

  constructor(last: number) {
    this.#last = last;
  }

  put(day: number, task: Task): void {
    if (day > this.#last) return;
    const tasks = this.#days.get(day);
    if (tasks === undefined) this.#days.set(day, [task]);
    else tasks.push(task);
  }

  /** The tasks of a day; they stand in the agenda no more. */
  take(day: number): readonly Task[] {
    const tasks = this.#days.get(day) ?? [];
    this.#days.delete(day);
    return tasks;
  }

  /** Those that the day had no time for come first the next day. */
  postpone(day: number, tasks: readonly Task[]): void {
    if (tasks.length > 0 && day <= this.#last) this.#days.set(day, [...tasks, ...this.#days.get(day) ?? []]);
  }
}
