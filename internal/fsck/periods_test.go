package fsck

import (
	"slices"
	"strings"
	"testing"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// closeMonth closes the month before that of the records.
func (f *fixture) closeMonth(n int) {
	f.t.Helper()
	last := ledger.MonthOf(f.at.AddDate(0, -1, -f.at.Day()+1))
	f.feed(0, "acme", topics.TypePeriodClose, &topics.PeriodClose{CommandID: commandID(n), Tenant: "acme", Month: last.String(),
		RequestedBy: "ana", ApprovedBy: "bo"})
}

func TestCorruptionOfPeriodsIsFound(t *testing.T) {
	f := newFixture(t)
	customer := customers(t)[0][0]
	last := f.at.AddDate(0, -1, -f.at.Day()+1)
	for n, c := range []topics.WalletCommand{
		{Type: topics.WalletCredit, CustomerID: customer, Amount: 500, Currency: "EUR", Reason: topics.ReasonBonus, EffectiveAt: last},
		{Type: topics.WalletCredit, CustomerID: customer, Amount: 20, Currency: "EUR", Reason: topics.ReasonBonus},
	} {
		f.command(n+1, c)
	}
	f.closeMonth(3)
	f.closeMonth(4) // refused
	f.publishAll()
	f.wantNone()
	f.save()
	month := ledger.MonthOf(last).String()
	for _, c := range []corruption{
		{"it is open again", sql(`DELETE FROM closed_periods`), []string{"period: partition 0: " + month + " of acme", "closed_periods does not"}},
		{"another month", sql(`UPDATE closed_periods SET month = '2020-01'`), []string{"period: partition 0: 2020-01 of acme", "the log does not"}},
		{"another tenant's", sql(`UPDATE closed_periods SET tenant = 'other'`), []string{"period: partition 0: " + month + " of other", "the log does not"}},
		{"a month of the future", sql(`INSERT INTO closed_periods VALUES (0, 'acme', '2031-12', 9000000000000000000)`),
			[]string{"period: partition 0: 2031-12 of acme", "the log does not"}},
		{"its entry is gone", sql(`DELETE FROM entries WHERE template = 'period_closed'`), []string{"L3: partition 0: account", "postings sum to"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := f.on(t)
			c.spoil(f)
			problems, _, _ := f.check()
			if !slices.ContainsFunc(problems, func(p string) bool {
				return !slices.ContainsFunc(c.want, func(part string) bool { return !strings.Contains(p, part) })
			}) {
				t.Errorf("want one problem with %q, got\n%s", c.want, strings.Join(problems, "\n"))
			}
		})
	}
}
