// How a test starts another node process. tap hooks into every process that a test spawns: through NODE_OPTIONS it
// loads its own modules there, which costs 0.3 s and adds system calls of its own. `env -u` takes that away just
// before node starts, in the same process, so that pid and signals are node's.

/** Command and arguments, for `spawn` or `execFile`, of a node process that tap does not reach into. */
export const plainNode = (...args: string[]): [command: string, args: string[]] => [
  'env',
  ['-u', 'NODE_OPTIONS', process.execPath, '--enable-source-maps', ...args],
]

/** Options of a worker thread that loads nothing of tap's either. */
export const plainWorker = { execArgv: ['--enable-source-maps'], env: { ...process.env, NODE_OPTIONS: '' } }
