package velocity

import (
	"testing"
	"time"

	"github.com/weirhq/weir/ledger"
)

// TestAnAmountThatIsNotSaidIsUnknown: a refund of all that is left, or a stake that takes all that is left of a hold, names no
// amount. A 0 would pass every limit of a sum.
func TestAnAmountThatIsNotSaidIsUnknown(t *testing.T) {
	for kind, c := range map[string]struct {
		unsaid  ledger.Money
		unknown bool
	}{
		KindRefundAttempt: {ledger.Money{}, true},
		KindStake:         {ledger.Money{Currency: "EUR"}, true},
		KindWin:           {ledger.Money{}, true},
		KindPayout:        {ledger.Money{}, true},
		KindDisputed:      {ledger.Money{}, true},
		"event.bonus":     {ledger.Money{}, false},
	} {
		t.Run(kind, func(t *testing.T) {
			plan, err := NewPlan("acme", 1, []Definition{
				{Name: "sum", By: "customer.id", Kinds: []string{kind}, Aggregate: Sum, Currency: "EUR", Window: time.Hour},
				{Name: "max", By: "customer.id", Kinds: []string{kind}, Aggregate: Max, Currency: "EUR", Window: time.Hour},
				{Name: "count", By: "customer.id", Kinds: []string{kind}, Aggregate: Count, Window: time.Hour},
			})
			if err != nil {
				t.Fatal(err)
			}
			state := NewState(Limits{ReplyBytes: 1 << 16})
			retain(state, 1, plan)
			e := attemptEvent(0, "")
			e.Kind = kind
			// next counts an event minutes after the first, and is what came before it.
			next := func(minutes int64, id string, amount ledger.Money) (sum, most, count int64, missing bool) {
				e := e
				e.ID, e.Amount, e.Time = id, amount, e.Time.Add(time.Duration(minutes)*time.Minute)
				e.Origin = Origin{RoleCustom, 0, minutes + 1}
				features := plan.Begin(nil)
				plan.Fill(features, state.Fold(e.Time.UnixMilli(), &plan.Signals(nil, &e, 1)[0].Signal))
				if features[0].Missing != features[1].Missing || features[2].Missing {
					t.Errorf("features %+v", features)
				}
				return features[0].Value, features[1].Value, features[2].Value, features[0].Missing
			}
			said := ledger.Money{Minor: 700, Currency: "EUR"}
			next(0, "1", c.unsaid)
			sum, most, count, missing := next(30, "2", said)
			if missing != c.unknown || sum != 0 || most != 0 || count != 1 {
				t.Errorf("after one without an amount: sum %d, max %d, count %d, missing %t; want 0, 0, 1 and %t", sum, most, count, missing, c.unknown)
			}
			// It is in the window no longer.
			if sum, most, count, missing := next(61, "3", said); missing || sum != 700 || most != 700 || count != 1 {
				t.Errorf("an hour later: sum %d, max %d, count %d, missing %t; want 700, 700, 1 and false", sum, most, count, missing)
			}
		})
	}
}
