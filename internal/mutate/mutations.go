package main

// mutations are the guards of the ledger, each taken out.
func mutations() []mutation {
	return []mutation{
		{"balance update, in memory", "ledger/balances.go", "b.minor[id] = sum\n", "b.minor[id] = sum - sum + minor\n", "./ledger"},
		{"balance update, in the database", "ledger/store/accounts.go", "balance = accounts.balance + excluded.balance", "balance = excluded.balance", "./ledger/store"},
		{"zero-sum check", "ledger/validate.go", "if !sum.zero() {", "if false && !sum.zero() {", "./ledger"},
		{"zero-sum check, of one currency alone", "ledger/validate.go", "if e.Postings[j].Account.Currency == currency {", "if true || e.Postings[j].Account.Currency == currency {", "./ledger"},
		{"floor check, in memory", "ledger/balances.go", "line.Guarded && b.minor[before[i].id] > 0", "line.Guarded && b.minor[before[i].id] > 1<<62", "./ledger"},
		{"floor check, in the database", "internal/database/migrations/0001_spine.sql", "CHECK (NOT guarded OR balance <= 0)", "CHECK (NOT guarded OR balance <= 0 OR balance > 0)", "./ledger/store"},
		{"floor check, of a wallet command", "processors/payments/wallets/commands.go", "if amount <= b.Available {", "if amount <= b.Available || true {", "./processors/payments/wallets"},
		{"guard of a new account", "ledger/store/accounts.go", "c.guarded = append(c.guarded, line.Guarded)", "c.guarded = append(c.guarded, line.Guarded && false)", "./ledger/store"},
		{"debt is repaid first", "ledger/templates.go", "repaid := min(amount, max(s.Debt, 0))", "repaid := min(amount, max(s.Debt, 0)) * 0", "./ledger"},
		{"a forced debit takes no more than there is", "ledger/templates.go", "fromWallet := min(amount, max(s.Available, 0))", "fromWallet := min(amount, max(s.Available, amount))", "./ledger"},
		{"side of a posting", "ledger/templates_wallet.go", "e.post(c.System(GameRevenue), net)", "e.post(c.System(GameRevenue), -net)", "./ledger"},
		{"dedupe of commands in one batch and after it", "processors/payments/applied.go", "s.applied[in.id] = in.fingerprint\n", "delete(s.applied, in.id)\n", "./processors/payments"},
		{"dedupe of commands after a restart", "processors/payments/applied.go", "s.applied[inputID{id, scope}] = fingerprint\n", "delete(s.applied, inputID{id, scope})\n", "./processors/payments"},
		{"another command under a used id", "processors/payments/applied.go", "return reused\n", "return repeated\n", "./processors/payments"},
		{"dedupe of entries", "internal/database/migrations/0008_place.sql", "PRIMARY KEY (partition, place)", "CHECK (position >= 0)", "./ledger/store"},
		{"hash chain: what came before", "ledger/chain/head.go", "append(c.buffer[:0], h.Hash[:]...)", "append(c.buffer[:0], make([]byte, len(h.Hash))...)", "./ledger/chain"},
		{"hash chain: the amounts", "ledger/chain/record.go", "uint64(r.Amounts[i])", "uint64(r.Amounts[0])", "./ledger/chain"},
		{"hash chain: the stored link", "ledger/store/writer.go", "c.links = append(c.links, link)", "c.links = append(c.links, link-link)", "./internal/proof"},
		{"hash chain: the stored head", "ledger/store/writer.go", "w.head.Index, w.head.Hash[:])", "w.head.Index, make([]byte, len(w.head.Hash)))", "./internal/proof"},
		{"weir ledger verify: the links", "internal/proof/partition.go", "row.Linked && next.head.Link() == row.Link ||", "row.Linked ||", "./internal/proof"},
		{"weir ledger verify: the stored head", "internal/proof/partition.go", "p.stored != nil && *p.stored != *head:", "p.stored != nil && *p.stored != *head && false:", "./internal/proof"},
		{"weir ledger verify: the checkpoints", "internal/proof/checkpoints.go", "return *p.at.shown() == p.due.Head", "return true", "./internal/proof"},
		{"weir ledger verify: the end of the ledger", "internal/proof/partition.go", "p.entries, p.tail, p.end,", "p.entries, p.end,", "./internal/proof"},
		{"weir ledger verify: the ids of accounts", "internal/proof/accounts.go", "id != last {", "id != last && false {", "./internal/proof"},
		{"weir fsck: entries sum to zero", "internal/fsck/entries.go", "if err := e.entry.Validate(); err != nil {", "if err := e.entry.Validate(); err != nil && false {", "./internal/fsck"},
		{"weir fsck: balances are gone through", "internal/fsck/accounts.go", "return !u.unsure", "return true", "./internal/fsck"},
		{"weir fsck: postings are taken off", "internal/fsck/accounts.go", "if balance.Minor != 0 {", "if balance.Minor != 0 && false {", "./internal/fsck"},
		{"weir fsck: rounds are added up", "internal/fsck/rounds.go", "if !odd && stored == p.logged {", "if !odd {", "./internal/fsck"},
		{"weir fsck: commands are remembered", "internal/fsck/inputs.go", "stored == p.inputs.commands {", "stored != 0 {", "./internal/fsck"},
		{"weir fsck: balances are sums of postings", "internal/fsck/accounts.go", "held.balance <> COALESCE(posted.posted, 0)", "held.balance IS NULL", "./internal/fsck"},
	}
}
