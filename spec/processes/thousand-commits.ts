// A thousand transactions of one small commit each, between two marks among its system calls.
import { utimesSync } from 'node:fs'
import { systemDisk } from '../../lib/file/system-disk.js'
import { Store } from '../../lib/store/store.js'
import type { Oid } from '../../lib/store/types.js'
import { draft, initialDraft, record } from '../helpers/drafts.js'

const [path = ''] = process.argv.slice(2)
// No time passes, so that the look at the path, due every 100 ms, does not come in between.
const store = Store.open({ ...systemDisk, ticks: () => 0 }, path, {}, initialDraft)
const commit = (n: number) => store.commit(draft(record(1, `commit ${n}`)), store.latest(), [1 as Oid], true)
for (let n = 0; n < 1000; n++) commit(n)
utimesSync(path, 1, 1)
for (let n = 0; n < 1000; n++) commit(n)
utimesSync(path, 1, 1)
store.close()
