package fsck

import (
	"math"
	"testing"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// TestAccountsAreInTheirPartitions: a customer's accounts are in the customer's partition, but for those that have a row in
// each.
func TestAccountsAreInTheirPartitions(t *testing.T) {
	const partitions = 4
	home := topics.PartitionOf("acme", "shop", partitions)
	for _, line := range ledger.Chart() {
		a := ledger.Account{Tenant: "acme", Code: line.Code, Currency: "EUR"}
		if line.Holder == ledger.HeldByCustomer {
			a.Owner = "shop"
		}
		for partition := range int32(partitions) {
			var found []Problem
			p := &partitionCheck{checker: &checker{partitions: partitions}, snapshot: snapshot{partition: partition}}
			p.Config = Config{Counts: new(Counts), Problem: func(problem Problem) { found = append(found, problem) }}
			p.account(&accountRow{a.ID(), a.Tenant, string(a.Code), a.Owner, string(a.Currency), line.Guarded, 0})
			if right := line.Partitioned || partition == home; right != (len(found) == 0) {
				t.Errorf("%s of shop, who belongs to partition %d, in partition %d: %v", a.Code, home, partition, found)
			}
		}
	}
}

// TestPostingBeyond64Bits leaves the decision to the database: nothing is left of what does not fit.
func TestPostingBeyond64Bits(t *testing.T) {
	u := unposted{left: map[ledger.AccountID]*ledger.Money{}}
	u.balance(ledger.AccountID{1}, ledger.Money{Minor: math.MaxInt64, Currency: "EUR"})
	u.posting(ledger.AccountID{1}, -math.MaxInt64)
	if u.nothing() {
		t.Error("a posting that does not fit 64 bits was taken for none")
	}
}
