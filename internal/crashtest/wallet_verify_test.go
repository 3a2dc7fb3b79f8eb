package crashtest

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"

	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// walletEffects: each acknowledged wallet command was applied once, and nothing else happened to anybody's wallet.
func (tr *traffic) walletEffects() {
	tr.t.Helper()
	tr.seen.mu.Lock()
	defer tr.seen.mu.Unlock()
	b := &tr.books
	var wrong []string
	for id, want := range b.commands {
		if got := tr.seen.became[id]; len(got) != 1 || want != "" && got[0] != want {
			wrong = append(wrong, fmt.Sprintf("command %s: became %q, want %q once", id, got, want))
		}
	}
	customers := maps.Clone(tr.seen.told)
	maps.Copy(customers, b.told)
	for customer := range customers {
		if got, want := tr.seen.told[customer], b.told[customer]; !maps.Equal(got, want) {
			wrong = append(wrong, fmt.Sprintf("customer %s: %v, want %v", customer, got, want))
		}
	}
	for hold, n := range tr.seen.expired {
		if n != 1 {
			wrong = append(wrong, fmt.Sprintf("hold %s ran out %d times", hold, n))
		}
	}
	if b.closed && len(tr.seen.closed) != partitions {
		wrong = append(wrong, fmt.Sprintf("a month was closed in %d partitions", len(tr.seen.closed)))
	}
	for partition, n := range tr.seen.closed {
		if n != 1 {
			wrong = append(wrong, fmt.Sprintf("partition %d closed the month %d times", partition, n))
		}
	}
	tr.some("wallets", wrong)
	tr.t.Logf("%d visits of wallets, %d commands, %d holds ran out, a month closed: %t", b.visits, len(b.commands), b.holds, b.closed)
}

// walletBalances: each customer has what the payments and the visits of their stories left, by the API and by the entries.
func (tr *traffic) walletBalances(ctx context.Context, o *observer) {
	tr.t.Helper()
	want := maps.Clone(tr.books.gains)
	for _, p := range tr.payments {
		if p.end.captured > 0 {
			want[p.create.CustomerID] += p.end.captured - p.end.refunded
		}
	}
	o.mu.Lock()
	booked := map[string]int64{}
	var wrong []string
	for _, b := range o.balances {
		switch ledger.AccountCode(b.code) {
		case ledger.CustomerWallet:
			booked[b.owner] -= b.amount
		case ledger.CustomerHold, ledger.CustomerDebt:
			if b.amount != 0 {
				wrong = append(wrong, fmt.Sprintf("%s of %s is %d in the end", b.code, b.owner, b.amount))
			}
		}
	}
	o.mu.Unlock()
	for customer, amount := range want {
		if booked[customer] != amount {
			wrong = append(wrong, fmt.Sprintf("customer %s has %d by the entries, should have %d", customer, booked[customer], amount))
		}
		answer := fmt.Sprint(tr.readWallet(ctx, customer))
		shown := fmt.Sprint([]topics.WalletBalance{{Available: amount}})
		if answer != shown {
			wrong = append(wrong, fmt.Sprintf("customer %s has %s by the API, should have %s", customer, answer, shown))
		}
	}
	tr.some("wallet balances", wrong)
	tr.t.Logf("%d customers have what they should", len(want))
}

// readWallet asks the API for a customer's balances.
func (tr *traffic) readWallet(ctx context.Context, customer string) []topics.WalletBalance {
	tr.t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, tr.world.engines[0].url+"/v1/wallets/"+customer, nil)
	if err != nil {
		tr.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+apiKey)
	response, err := tr.http.Do(request)
	if err != nil {
		tr.t.Fatal(err)
	}
	body, err := drain(response.Body)
	var read struct {
		Balances []topics.WalletBalance `json:"balances"`
	}
	if err == nil {
		err = json.Unmarshal(body, &read)
	}
	if err != nil || response.StatusCode != http.StatusOK {
		tr.t.Errorf("GET the wallet of %s: %s %s: %v", customer, response.Status, body, err)
	}
	return read.Balances
}

// statements: the lines of each account are as many as entries move it, and the last balance is their sum.
func (tr *traffic) statements(ctx context.Context, db *database.DB, o *observer) {
	tr.t.Helper()
	rows, err := db.Pool.Query(ctx, `SELECT partition, account, count(*), sum(amount)::int8 FROM statement_lines GROUP BY partition, account`)
	if err != nil {
		tr.t.Fatal(err)
	}
	defer rows.Close()
	o.mu.Lock()
	defer o.mu.Unlock()
	var wrong []string
	accounts := map[account]bool{}
	for rows.Next() {
		var at account
		var id [16]byte
		var lines int
		var sum int64
		if err := rows.Scan(&at.partition, &id, &lines, &sum); err != nil {
			tr.t.Fatal(err)
		}
		at.id = hex.EncodeToString(id[:])
		accounts[at] = true
		if lines != o.lines[at] || sum != o.balances[at].amount {
			wrong = append(wrong, fmt.Sprintf("%v: %d lines of %d, the entries say %d of %d", at, lines, sum, o.lines[at], o.balances[at].amount))
		}
	}
	if err := rows.Err(); err != nil {
		tr.t.Fatal(err)
	}
	for at := range o.lines {
		if !accounts[at] {
			wrong = append(wrong, fmt.Sprintf("%v: no lines", at))
		}
	}
	tr.some("statements", wrong)
	tr.t.Logf("%d statements are what the entries say", len(accounts))
}
