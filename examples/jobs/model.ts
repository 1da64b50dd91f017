// A queue of jobs with leases: a worker has a job for a while only, so that those of a worker that dies come back.
import { open, Persistent, PersistentMap, PersistentQueue, plain, type Connection } from 'perdure'

export interface Job {
  readonly id: string
  readonly text: string
}

/** Until when a worker has a job, in milliseconds since 1970, and which: those that run out first stand first. */
type Lease = readonly [until: number, id: string]

export class Jobs extends Persistent {
  static type = 'Jobs'
  waiting = new PersistentQueue<Job>()
  leased = new PersistentMap<Lease, Job>()
  results = new PersistentMap<string, string>()

  /** The next job, for so many milliseconds; undefined: there is none just now. */
  take(milliseconds: number): { readonly job: Job; readonly lease: Lease } | undefined {
    const now = Date.now()
    const [expired] = this.leased.entries({ lt: [now], limit: 1 })
    if (expired) this.leased.delete(expired[0])
    const job = expired ? expired[1] : this.waiting.shift()
    if (!job) return undefined
    const lease: Lease = [now + milliseconds, job.id]
    this.leased.set(lease, job)
    return { job: plain(job), lease }
  }

  /** Keeps what a job came to. False: the lease had run out, and another worker has the job, or has done it. */
  finish(lease: Lease, result: string): boolean {
    if (!this.leased.delete(lease)) return false
    this.results.set(lease[1], result)
    return true
  }

  get allDone(): boolean {
    return this.waiting.size === 0 && this.leased.size === 0
  }
}

export function openJobs(path: string): Connection<Jobs> {
  return open(path, { root: Jobs })
}
