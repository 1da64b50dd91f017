// The published anomalies as scripts, in the order and under the names of Adya's definitions and of the "hermitage" tests that
// databases are compared by. x is 10 and y is 20 when each begins. One line is one statement of one of three transactions:
//
//     T1 reads x: 10              T1 writes x = 11           T2 inserts z = 30      (T2 inserts z = 30 elsewhere)
//     T1 finds thirds: none       all rows whose value can be divided by 3, by name (elsewhere: of another table)
//     T2 removes y                T1 commits                 T1 commits: conflict   T1 aborts
//     T1 has z: false             whether there is such a row; nothing else of it is read, and no other row
//     T1 counts: 2                how many rows there are, without going through them
//
// `commits: conflict/ok` says what comes of it when serializable, and with snapshot isolation. A transaction begins with its
// first statement; the last lines of a script are what anybody sees afterwards.

export interface Anomaly {
  readonly name: string
  readonly script: string
}

export const anomalies: readonly Anomaly[] = [
  {
    name: 'G0, dirty write: two transactions that write the same rows do not mix',
    script: `
      T1 writes x = 11
      T2 writes x = 12
      T1 writes y = 21
      T1 commits
      T2 writes y = 22
      T2 commits: conflict
      T3 reads x: 11
      T3 reads y: 21`,
  },
  {
    name: 'G1a, aborted read: what was undone was never seen',
    script: `
      T1 writes x = 101
      T2 reads x: 10
      T1 aborts
      T2 reads x: 10
      T2 commits
      T3 reads x: 10`,
  },
  {
    name: 'G1b, intermediate read: only the last value of a transaction is ever seen',
    script: `
      T1 writes x = 101
      T2 reads x: 10
      T1 writes x = 11
      T1 commits
      T2 reads x: 10
      T2 commits
      T3 reads x: 11`,
  },
  {
    name: 'G1c, circular information flow: of two transactions not each sees the other',
    script: `
      T1 writes x = 11
      T2 writes y = 22
      T1 reads y: 20
      T2 reads x: 10
      T1 commits
      T2 commits: conflict/ok
      T3 reads x: 11
      T3 reads y: 20/22`,
  },
  {
    name: 'OTV, observed transaction vanishes: what was seen of a transaction stays seen, and all of it',
    script: `
      T1 writes x = 11
      T1 writes y = 19
      T2 writes x = 12
      T1 commits
      T3 reads x: 11
      T2 writes y = 18
      T3 reads y: 19
      T2 commits: conflict
      T3 reads y: 19
      T3 reads x: 11
      T3 commits`,
  },
  {
    name: 'PMP, predicate-many-preceders: the same question has the same answer within a transaction',
    script: `
      T1 finds thirds: none
      T2 inserts z = 30
      T2 commits
      T1 finds thirds: none
      T1 commits
      T3 finds thirds: z`,
  },
  {
    name: 'PMP, with writes: what is written by a question’s answer is written only if the answer still holds',
    script: `
      T1 writes x = 20
      T1 writes y = 30
      T2 finds thirds: none
      T2 removes y
      T1 commits
      T2 commits: conflict/ok
      T3 reads x: 20`,
  },
  {
    name: 'P4, lost update: of two that read and then write one row, one has to do it again',
    script: `
      T1 reads x: 10
      T2 reads x: 10
      T1 writes x = 11
      T2 writes x = 12
      T1 commits
      T2 commits: conflict
      T3 reads x: 11`,
  },
  {
    name: 'G-single, read skew: a transaction sees all of another one, or nothing of it',
    script: `
      T1 reads x: 10
      T2 reads x: 10
      T2 reads y: 20
      T2 writes x = 12
      T2 writes y = 18
      T2 commits
      T1 reads y: 20
      T1 commits
      T3 reads y: 18`,
  },
  {
    name: 'G-single, by a question: the same for all rows that fit',
    script: `
      T1 finds fifths: x, y
      T2 writes x = 12
      T2 commits
      T1 finds fifths: x, y
      T1 finds thirds: none
      T1 commits
      T3 finds thirds: x`,
  },
  {
    name: 'G-single, with a write: nobody writes over what he has not seen',
    script: `
      T1 reads x: 10
      T2 writes x = 12
      T2 writes y = 18
      T2 commits
      T1 writes y = 0
      T1 commits: conflict
      T3 reads x: 12
      T3 reads y: 18`,
  },
  {
    name: 'G-single, with a write elsewhere: what was read still holds when the rest is written',
    script: `
      T1 reads x: 10
      T2 writes x = 12
      T2 commits
      T1 writes y = 0
      T1 commits: conflict/ok
      T3 reads x: 12
      T3 reads y: 20/0`,
  },
  {
    name: 'G2-item, write skew: each reads both and writes one of them',
    script: `
      T1 reads x: 10
      T1 reads y: 20
      T2 reads x: 10
      T2 reads y: 20
      T1 writes x = 11
      T2 writes y = 21
      T1 commits
      T2 commits: conflict/ok
      T3 reads x: 11
      T3 reads y: 20/21`,
  },
  {
    name: 'G2, anti-dependency cycle by questions: a row that comes into being is a change of what was asked',
    script: `
      T1 finds thirds: none
      T2 finds thirds: none
      T1 inserts z = 30
      T2 inserts w = 42
      T1 commits
      T2 commits: conflict/ok
      T3 finds thirds: z/w, z`,
  },
  {
    name: 'G2, by a number: who counted the rows relies on their number',
    script: `
      T1 counts: 2
      T2 counts: 2
      T1 inserts z = 30
      T2 inserts w = 42
      T1 commits
      T2 commits: conflict/ok
      T3 counts: 3/4`,
  },
  {
    name: 'G2-item of one table: each finds one row missing and inserts the other',
    script: `
      T1 has z: false
      T2 has w: false
      T1 inserts w = 42
      T2 inserts z = 30
      T1 commits
      T2 commits: conflict/ok
      T3 finds thirds: w/w, z`,
  },
  {
    name: 'P4 of one row: of two that find it missing and insert it, one has to do it again',
    script: `
      T1 has z: false
      T2 has z: false
      T1 inserts z = 30
      T2 inserts z = 33
      T1 commits
      T2 commits: conflict
      T3 reads z: 30
      T3 counts: 3`,
  },
  {
    name: 'G0 of one row: two that insert the same row, or remove it, without a look',
    script: `
      T1 inserts z = 30
      T2 inserts z = 33
      T1 commits
      T2 commits: conflict
      T1 removes z
      T2 removes z
      T2 inserts w = 42
      T2 commits
      T1 commits: conflict
      T3 finds thirds: w
      T3 counts: 3`,
  },
  {
    name: 'no anomaly: rows side by side in one table have nothing to do with each other',
    script: `
      T1 has z: false
      T2 has y: true
      T1 inserts z = 30
      T2 inserts w = 42
      T2 removes x
      T1 commits
      T2 commits
      T3 finds thirds: w, z
      T3 counts: 3`,
  },
  {
    name: 'G2, over two tables: each asks both and adds to another one',
    script: `
      T1 finds thirds: none
      T1 finds thirds elsewhere: none
      T2 finds thirds: none
      T2 finds thirds elsewhere: none
      T1 inserts z = 30
      T2 inserts w = 42 elsewhere
      T1 commits
      T2 commits: conflict/ok
      T3 finds thirds: z
      T3 finds thirds elsewhere: none/w`,
  },
  {
    name: 'G2, two edges: a reader in between has seen one of two that cannot both have come first',
    script: `
      T1 reads x: 10
      T1 reads y: 20
      T2 reads y: 20
      T2 writes y = 25
      T2 commits
      T3 reads x: 10
      T3 reads y: 25
      T3 commits
      T1 writes x = 0
      T1 commits: conflict/ok
      T3 reads x: 10/0`,
  },
]
