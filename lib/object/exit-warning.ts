// Warns when the process ends while a connection has changes that were never committed.
interface Pending {
  readonly store: { readonly path: string }
}

/** Each once, and mostly one. */
const pending: Pending[] = []
let watching = false

export function watchPending(connection: Pending, isPending: boolean): void {
  const at = pending.lastIndexOf(connection)
  if (!isPending) {
    if (at >= 0) pending.splice(at, 1)
    return
  }
  if (at < 0) pending.push(connection)
  if (watching) return
  watching = true
  // Warnings are emitted by a later tick, which does not come any more.
  process.once('exit', () => {
    for (const { store } of pending) {
      process.stderr.write(
        `(perdure) the process ends with changes to ${store.path} that were not committed: they are lost\n`,
      )
    }
  })
}
