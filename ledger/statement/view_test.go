package statement

import (
	"testing"
	"time"

	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/store"
)

// TestTrialBalanceOfOppositeBalances: a sum stands where it is, whatever side is normal for its code, and none is below zero.
func TestTrialBalanceOfOppositeBalances(t *testing.T) {
	line := func(code ledger.AccountCode, minor int64) store.TrialLine {
		return store.TrialLine{Tenant: "books", Currency: "EUR", Code: code, Accounts: 1, Minor: minor}
	}
	v, err := ViewTrial([]store.TrialLine{
		line(ledger.Adjustments, 12001), line(ledger.CustomerDebt, 0), line(ledger.CustomerWallet, -15201), line(ledger.PSPReceivable, -5300),
		line(ledger.RefundsInFlight, 0), line(ledger.RetainedEarnings, 8500),
	}, time.Time{}, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(v)
	const want = `{"tables":[{"tenant":"books","currency":"EUR","lines":[` +
		`{"code":"adjustments","rows":1,"debit":12001},{"code":"customer_debt","rows":1,"debit":0},` +
		`{"code":"customer_wallet","rows":1,"credit":15201},{"code":"psp_receivable","rows":1,"credit":5300},` +
		`{"code":"refunds_in_flight","rows":1,"credit":0},{"code":"retained_earnings","rows":1,"debit":8500}],` +
		`"debit":20501,"credit":20501,"balanced":true}]}`
	if err != nil || string(got) != want {
		t.Errorf("%v, got\n%s\nwant\n%s", err, got, want)
	}
}
