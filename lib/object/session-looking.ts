// Looks at what a connection shows and has not loaded, for printing: begins no transaction, and keeps nothing of it.
import { LOST_SHAPE, type Oid, type StoredRecord } from '../store/types.js'
import type { Header } from './header.js'
import type { Looking } from './inspection.js'
import { peek } from './load.js'
import type { Session } from './session.js'

export class SessionLooking implements Looking {
  readonly #session: Session

  constructor(session: Session) {
    this.#session = session
  }

  look(header: Header, reference: (oid: Oid) => unknown): unknown {
    const record = this.#record(header.oid)
    if (record === undefined || record.shape === LOST_SHAPE) return undefined
    return peek(header, record, this.#session.shapeOf(record), this.#session.view, reference)
  }

  nameOf(oid: Oid): string | undefined {
    const known = this.#session.cache.get(oid)
    if (known) return known.name
    const record = this.#record(oid)
    if (record?.shape === LOST_SHAPE) return 'lost'
    return record && (this.#session.shapeOf(record).type || 'root')
  }

  #record(oid: Oid): StoredRecord | undefined {
    if (this.#session.closed) return undefined
    const { generation, offset } = this.#session.snapshot
    const at = generation.find(oid, offset)
    return at === 0 ? undefined : generation.read(at, oid)
  }
}
