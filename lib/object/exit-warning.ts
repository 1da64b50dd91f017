// Warns when the process ends while a connection has changes that were never committed.
interface Pending {
  readonly store: { readonly path: string }
}

const pending = new Set<Pending>()
let watching = false

export function watchPending(connection: Pending, isPending: boolean): void {
  if (!isPending) {
    pending.delete(connection)
    return
  }
  pending.add(connection)
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
