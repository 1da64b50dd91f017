// A process that can become another user, for what permissions do. Everything is loaded before, as the other user may not be
// allowed to read the program.
import { createRequire } from 'node:module'
import { open, type Connection } from 'perdure'
import { serve } from '../helpers/serve.js'

const [path = ''] = process.argv.slice(2)
createRequire(import.meta.url)('fs-ext')

interface Text {
  text: string
}
let db: Connection<Text> | undefined
const opened = (): Connection<Text> => {
  if (!db) throw new Error('nothing is open')
  return db
}

const methods = {
  /** `groups`: besides `gid`. */
  become(uid: number, gid: number, groups: number[] = [], umask = 0o022) {
    process.umask(umask)
    process.setgroups?.(groups)
    process.setegid?.(gid)
    process.seteuid?.(uid)
  },
  open(options: { readonly?: boolean; mode?: number; durability?: 'os' | 'fsync' } = {}) {
    db?.close()
    db = open(path, { durability: 'os', ...options, root: { text: 'new' } })
  },
  read: () => opened().root.text,
  write: (text: string) => opened().transact(root => void (root.text = text)),
  /** Changes and commits by hand, in two calls. */
  change: (text: string) => void (opened().root.text = text),
  commit: () => opened().commit(),
  abort: () => opened().abort(),
  pause: () => void opened().pause(),
  continue: () => opened().continue(),
  pack: async () => void (await opened().pack()),
  close: () => db?.close(),
}
export type UserMethods = typeof methods

serve(methods)
