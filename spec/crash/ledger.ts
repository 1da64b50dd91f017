// What has been promised to whom: kept outside of the store, and compared with what is found in it.
import type { Draft, Oid } from '../../lib/store/types.js'
import type { Store } from '../../lib/store/store.js'

/** What can be reached from the root: the text of each object, and what it refers to. */
type Content = ReadonlyMap<number, { readonly text: string; readonly refs: readonly number[] }>

/** A state of the store. */
interface Commit {
  readonly content: Content
  readonly nextOid: number
}

const NOTHING: Commit = { content: new Map(), nextOid: 16 }

/** The ledger at one moment. */
export interface Promised {
  /** The last commit that must be there, whatever happens. */
  readonly durable: number
  /** All states up to the last commit that is known to have been appended. */
  readonly commits: readonly Commit[]
  /** What may stand behind them. */
  readonly pending: readonly Commit[]
}

export class Ledger {
  durable = 0
  /** The state after each commit; 0 is the state before the first. */
  #commits: readonly Commit[] = [NOTHING]
  readonly #intended: Draft[] = []

  /** `promised`: what had been promised when the machine stopped, of which `tid` is what was found. */
  constructor(promised?: Promised, tid = 0) {
    if (promised === undefined || tid === 0) return
    this.durable = tid
    this.#commits = [...promised.commits, ...promised.pending].slice(0, tid + 1)
  }

  get tid(): number {
    return this.#commits.length - 1
  }

  get #last(): Commit {
    return this.#commits.at(-1) ?? NOTHING
  }

  /** The objects that can be reached. */
  oids(): number[] {
    return [...this.#last.content.keys()]
  }

  refsOf(oid: number): readonly number[] {
    return this.#last.content.get(oid)?.refs ?? []
  }

  /** Somebody is about to commit this. */
  intend(draft: Draft): void {
    this.#intended.push(draft)
  }

  /** What was intended last has been committed, or not. */
  settle(committed: boolean): void {
    const draft = this.#intended.pop()
    if (committed && draft !== undefined) this.#commits = [...this.#commits, applied(draft, this.#last)]
  }

  promised(): Promised {
    const pending = this.#intended.map(draft => applied(draft, this.#last))
    return { durable: this.durable, commits: this.#commits, pending }
  }
}

/** What is wrong with the store as it is found; undefined: nothing. `found`: the last commit, and what of the promise is left. */
export function compare(store: Store, promised: Promised): { problem?: string; found: Promised } {
  const { tid } = store.latest()
  const { durable, commits, pending } = promised
  const expected = tid < commits.length ? commits.slice(tid, tid + 1) : tid === commits.length ? pending : []
  const found = { durable: tid, commits: commits.slice(0, tid + 1), pending: [] }
  if (tid < durable) return { found, problem: `commit ${durable} was durable, and ${tid} is the last one left` }
  if (expected.length === 0) return { found, problem: `commit ${tid} was never made` }
  const problems = expected.map(commit => differs(store, commit))
  const fitting = expected[problems.indexOf(undefined)]
  if (fitting === undefined) return { found, problem: `commit ${tid}: ${problems.join('; or ')}` }
  return { found: { ...found, commits: [...commits.slice(0, tid), fitting] } }
}

function differs(store: Store, { content }: Commit): string | undefined {
  const { generation, offset } = store.latest()
  for (const [oid, { text }] of content) {
    const at = generation.find(oid as Oid, offset)
    const found = at === 0 ? undefined : Buffer.from(generation.read(at).state).toString()
    if (found !== text) return `object ${oid} was ${brief(text)} and is ${brief(found)}`
  }
  return undefined
}

function applied({ records, fresh }: Draft, before: Commit): Commit {
  const content = new Map(before.content)
  const number = (oid: number): number => (oid < 0 ? before.nextOid - 1 - oid : oid)
  for (const { oid, shape, refs, bytes, from, to } of records) {
    if (shape !== 0)
      content.set(number(oid), { text: Buffer.from(bytes.subarray(from, to)).toString(), refs: refs.map(number) })
  }
  return { content: reachable(content), nextOid: before.nextOid + fresh }
}

function reachable(content: Content): Content {
  const found = new Map<number, { text: string; refs: readonly number[] }>()
  const todo = [1]
  for (let oid = todo.pop(); oid !== undefined; oid = todo.pop()) {
    const object = content.get(oid)
    if (object === undefined || found.has(oid)) continue
    found.set(oid, object)
    todo.push(...object.refs)
  }
  return found
}

function brief(text: string | undefined): string {
  return text === undefined ? 'missing' : `"${text.slice(0, 20)}" (${text.length})`
}
