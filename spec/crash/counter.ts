// A store whose root is a number: every commit adds one.
import { initialDraft } from '../helpers/drafts.js'
import { stretchOf, type Draft } from '../../lib/store/types.js'

export const PATH = '/data/app.db'

/** The first commit: the number 0. */
export const beginning: Draft = {
  ...initialDraft,
  records: initialDraft.records.map(each => (each.oid === 1 ? { ...each, ...stretchOf(Buffer.from('0')) } : each)),
}
