package lifecycle_test

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// limited gives a create, authorize, capture or approve command a day to count in, and a limit that it is below or above.
func (s *system) limited(in lifecycle.Input) lifecycle.Input {
	kind := in.Command.Command.Type
	approves := kind == topics.CommandApprove
	if kind != topics.CommandCreate && kind != topics.CommandAuthorize && kind != topics.CommandCapture && !approves || rapid.Bool().Draw(s.T, "no limit") {
		return in
	}
	in.CountedDay = rapid.SampledFrom([]string{"2026-03-01", "2026-03-02"}).Draw(s.T, "day")
	if approves && s.payment.CountedDay != "" {
		in.CountedDay = s.payment.CountedDay
	}
	in.Limit = rapid.SampledFrom([]*topics.GamingLimit{nil,
		{Kind: topics.GamingDeposit, Period: topics.GamingDay, Currency: "EUR", Limit: 500, Used: 100, Asked: 100, Left: 400},
		{Kind: topics.GamingDeposit, Period: topics.GamingWeek, Currency: "EUR", Limit: 50, Asked: 100, Left: 50, Outcome: topics.OutcomeBlock},
		{Kind: topics.GamingDeposit, Period: topics.GamingMonth, Currency: "EUR", Limit: 50, Asked: 100, Left: 50, Outcome: topics.OutcomeHold},
	}).Draw(s.T, "limit")
	return in
}

// hopes says that the PSP was asked to authorise and has said neither yes nor no.
func (m *model) hopes() (sent bool) {
	for _, a := range m.requests {
		if a.operation != topics.OperationAuthorize && a.operation != topics.OperationConfirm {
			continue
		}
		if sent = true; a.approved || a.failed {
			return false
		}
	}
	return sent
}

// counted adds up what all events so far count by day (G1), and sees to it that nothing that is above a limit goes to the PSP.
func (s *system) counted(in lifecycle.Input, events []topics.PaymentEvent) {
	days := map[string]int64{}
	for i := range s.events {
		if c := s.events[i].Counted; c != nil {
			days[c.Day] += c.Amount
			if c.From != "" {
				days[c.From] -= c.Amount
			}
		}
	}
	for day, sum := range days {
		if day != s.payment.CountedDay && sum != 0 {
			s.Fatalf("the events count %d on %s, the payment counts on %q", sum, day, s.payment.CountedDay)
		}
	}
	if p := s.payment; p != nil && p.CountedDay != "" && days[p.CountedDay] != p.Deposited() {
		s.Fatalf("the events count %d on %s, the payment is worth %d: %+v", days[p.CountedDay], p.CountedDay, p.Deposited(), p)
	}
	if p := s.payment; p != nil && p.CountedDay != "" && s.model.hopes() && days[p.CountedDay] != p.Amount {
		s.Fatalf("%s, the PSP may still approve it, and it counts %d of %d", p.Status(), days[p.CountedDay], p.Amount)
	}
	if c := in.Command; in.CountedDay != "" && c.Command.Type == topics.CommandCapture {
		if t := s.model.totals(); slices.ContainsFunc(events, func(e topics.PaymentEvent) bool { return e.Type == topics.EventCaptureRequested }) && t.Captured+c.Command.Amount > t.Authorized {
			s.Fatalf("%d is asked to be captured of %d, %d is, and the customer has a limit", c.Command.Amount, t.Authorized, t.Captured)
		}
		return
	}
	if in.Limit == nil || in.Limit.Outcome == "" {
		return
	}
	lifted := in.Limit.Outcome == topics.OutcomeHold && in.Command.Command.Type == topics.CommandApprove // by the reviewer
	if !lifted && slices.ContainsFunc(events, func(e topics.PaymentEvent) bool {
		return e.Type == topics.EventAuthorizationRequested || e.Type == topics.EventCaptureRequested
	}) {
		s.Fatalf("above a limit, with outcome %s, the PSP is asked", in.Limit.Outcome)
	}
}
