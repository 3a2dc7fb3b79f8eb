package lifecycle_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/internal/reference/schematest"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// world is what a scenario plays in: one partition with its payments and its ledger.
type world struct {
	t        *testing.T
	now      time.Time
	position int64
	limits   lifecycle.Limits
	payments map[string]*lifecycle.Payment // by name in the scenario
	folded   map[string]bool               // command ids and webhooks' report ids
	requests map[string][]topics.EventID   // by payment and operation, in order
	asked    map[topics.EventID]string     // the PSP, by request
	reviews  map[string]*topics.ReviewRequest
	balances *ledger.Balances
	accounts map[string]ledger.Account
	last     *topics.TimerDue
	schemas  schematest.Schemas // nil: records are not held to them
	limited  limited
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newWorld(t *testing.T) *world {
	return &world{
		t: t, now: noon, limits: lifecycle.DefaultLimits(), payments: make(map[string]*lifecycle.Payment),
		folded: make(map[string]bool), requests: make(map[string][]topics.EventID), asked: make(map[topics.EventID]string), reviews: make(map[string]*topics.ReviewRequest),
		balances: ledger.NewBalances(), accounts: make(map[string]ledger.Account),
	}
}

// do plays one line and returns what came of it.
func (w *world) do(line string) ([]string, error) {
	words, err := split(line)
	if err != nil {
		return nil, err
	}
	verb, words := words[0], words[1:]
	a := argsOf(words)
	var results []string
	switch verb {
	case "limits":
		err = w.setLimits(a)
	case "limit":
		err = w.limit(a)
	case "wait":
		err = w.wait(a)
	case "forget":
		clear(w.folded)
	case "command":
		results, err = w.command(a)
	case "psp":
		results, err = w.report(a)
	case "timer":
		results, err = w.timer(a)
	case "review":
		results, err = w.review(a)
	case "spend":
		err = w.spend(a)
	case "balances":
		results = w.trial()
	case "payment":
		results, err = w.show(a)
	default:
		err = fmt.Errorf("%q: want limits, limit, wait, forget, command, psp, timer, review, spend, balances or payment", verb)
	}
	if err == nil {
		err = a.unused()
	}
	return results, err
}

func (w *world) setLimits(a *args) error {
	l := &w.limits
	l.Region = a.or("region", l.Region)
	if s := a.option("descriptor"); s != "" {
		l.Descriptors = map[string]string{"acme": s}
	}
	if s := a.option("over"); s != "" {
		percent, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return err
		}
		l.OverCapture = map[string]int64{l.PSP: percent}
	}
	for name, d := range map[string]*time.Duration{
		"created": &l.Created, "held": &l.Held, "challenge": &l.Challenge, "authorization": &l.Authorization,
		"review": &l.Review,
	} {
		if err := a.duration(name, d); err != nil {
			return err
		}
	}
	for name, n := range map[string]*int{"polls": &l.PollLimit, "operations": &l.Operations} {
		if s := a.option(name); s != "" {
			v, err := strconv.Atoi(s)
			if err != nil {
				return err
			}
			*n = v
		}
	}
	return l.Validate()
}

func (w *world) wait(a *args) error {
	d, err := time.ParseDuration(a.next())
	w.now = w.now.Add(d)
	return err
}

func (w *world) command(a *args) ([]string, error) {
	w.position++
	var err error
	kind := topics.CommandType(a.next())
	c := topics.Command{
		CommandID: w.uuid(a.or("id", fmt.Sprintf("command-%d", w.position))), Type: kind, Tenant: a.or("tenant", "acme"),
		Region: a.or("region", "eu"), CustomerID: a.or("customer", "anna"), TraceID: a.or("trace", "trace"), Reason: a.option("reason"),
	}
	if a.flag("guest") {
		c.CustomerID = ""
	}
	c.Authorize, c.Unapplied = a.flag("authorize"), a.flag("unapplied")
	if a.more() {
		money, err := ledger.ParseMoney(a.next() + " " + a.next())
		if err != nil {
			return nil, err
		}
		c.Amount, c.Currency = money.Minor, string(money.Currency)
	}
	if s := a.option("minor"); s != "" { // an amount that no person would write
		c.Amount, _ = strconv.ParseInt(s, 10, 64)
		c.Currency = a.or("currency", "EUR")
	}
	if s := a.option("issued"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			return nil, err
		}
		c.IssuedAt = w.now.Add(d)
	}
	name := a.or("payment", "p1")
	if kind == topics.CommandCreate {
		c.CaptureMethod = topics.CaptureMethod(a.or("capture", "manual"))
		c.Card = &topics.Card{Token: a.or("card", "tok_visa"), BIN: "411111", Last4: "1111", Scheme: "visa"}
		c.MerchantReference, c.Description = a.option("reference"), a.option("description")
		c.ReturnURL, c.StatementDescriptor = a.option("return"), a.option("descriptor")
		if method := a.option("method"); method != "" {
			c.PaymentMethod, c.Card, c.CaptureMethod = &topics.PaymentMethod{Type: method, Name: a.option("name")}, nil, ""
		}
		var delay time.Duration
		if err := a.duration("delay", &delay); err != nil {
			return nil, err
		}
		c.CaptureDelaySeconds = int64(delay / time.Second)
		if err := w.mandateOf(a, &c); err != nil {
			return nil, err
		}
	} else if p := w.payments[name]; p != nil {
		c.PaymentID = p.ID.String()
		if c.CustomerID == "" || c.CustomerID == "anna" && strings.HasPrefix(p.Customer, "guest_") {
			c.CustomerID = p.Customer
		}
	} else {
		c.PaymentID = topics.PaymentID{UUID: uuid.NewV5(uuid.Nil, name)}.String()
	}
	if s := a.option("challenge"); s != "" {
		c.Challenge = &topics.Challenge{Result: s, ECI: "05", CAVV: "AAABBBCCC", DSTransactionID: "97a1"}
	}
	c.RequestedBy, c.ApprovedBy = a.option("requested"), a.option("approved")
	assessed := &topics.AssessedCommand{Command: c, Refusal: c.Validate()} // as the risk role does
	if kind == topics.CommandCreate || kind == topics.CommandAuthorize || kind == topics.CommandIncrement || kind == topics.CommandRefund {
		assessed.Decision = decisionOf(a, c.CommandID, topics.Outcome(a.or("decision", "pass")))
		assessed.Decision.Reviews = a.flag("reviews")
	}
	if assessed.Route, err = planOf(a); err != nil {
		return nil, err
	}
	if assessed.Refusal == nil { // risk takes out of a refused one what is wrong with it
		if err := w.described(c, assessed); err != nil {
			return nil, err
		}
	}
	if w.folded[c.CommandID] {
		return []string{"repeated: nothing happens"}, nil
	}
	w.folded[c.CommandID] = true
	in := lifecycle.Input{Command: assessed}
	if p := w.payments[name]; p != nil {
		in.Balance.Available = w.balances.Standing(p.Ledger()).Available
	}
	w.checkDeposit(w.payments[name], &in)
	return w.fold(name, in)
}

func (w *world) report(a *args) ([]string, error) {
	w.position++
	r := topics.PSPReport{
		Source: topics.ReportSource(a.next()), Operation: topics.PSPOperation(a.next()), Outcome: topics.PSPOutcome(a.next()),
		PSP: a.option("psp"), Tenant: a.or("tenant", "acme"), CustomerID: a.option("customer"),
		ReportID: w.uuid(a.or("id", fmt.Sprintf("report-%d", w.position))), TraceID: "trace", Object: a.option("object"),
		PSPReference: a.or("ref", "psp_1"), NetworkReference: a.option("network"), DeclineCode: a.option("code"),
		HardDecline: a.flag("hard"), DeclineRetry: a.option("retry"), Captured: a.flag("captured"),
		DeclineCategory: a.option("category"), StoredCredential: a.option("keeps"),
	}
	var after time.Duration
	if err := a.duration("after", &after); err != nil {
		return nil, err
	}
	r.DeclineAfterSeconds = int64(after.Seconds())
	if r.PSPReference == "none" {
		r.PSPReference = ""
	}
	name := a.or("payment", "p1")
	p := w.payments[name]
	if p != nil {
		r.PaymentID = p.ID.String()
	} else {
		r.PaymentID = topics.PaymentID{UUID: uuid.NewV5(uuid.Nil, name)}.String()
	}
	if err := w.amounts(a, &r, p); err != nil {
		return nil, err
	}
	if s := a.option("action"); s != "" {
		r.Action = &topics.Action{Type: "redirect", URL: s}
	}
	if s := a.option("pay-to"); s != "" {
		r.Action = &topics.Action{Type: "qr_code", QRCode: s, CopyCode: s, ExpiresAt: w.now.Add(30 * time.Minute)}
	}
	if s := a.option("seen"); s != "" {
		money, err := ledger.ParseMoney(s)
		if err != nil {
			return nil, err
		}
		r.Confirmations = &topics.Confirmations{Seen: money.Minor}
		if _, err := fmt.Sscanf(a.option("confirmations"), "%d/%d", &r.Confirmations.Have, &r.Confirmations.Need); err != nil {
			return nil, err
		}
	}
	if s := a.option("qr"); s != "" {
		r.Action = &topics.Action{Type: "qr_code", QRCode: s, CopyCode: s, Deeplink: "bank://pay", ExpiresAt: w.now.Add(10 * time.Minute)}
	}
	eci, avs, cvv := a.option("eci"), a.option("avs"), a.option("cvv")
	if eci+avs+cvv != "" {
		r.Authentication = &topics.AuthData{ECI: eci, CAVV: "AAABBBCCC", AVS: cmp.Or(avs, "Y"), CVV: cmp.Or(cvv, "M")}
	}
	if err := w.name(a, &r, name); err != nil {
		return nil, err
	}
	if id, err := topics.ParseEventID(r.RequestID); r.PSP == "" && err == nil {
		r.PSP = w.asked[id]
	}
	r.PSP = cmp.Or(r.PSP, "sandbox")
	if err := w.described(r); err != nil {
		return nil, err
	}
	if r.Source == topics.SourceWebhook {
		if w.folded[r.ReportID] {
			return []string{"repeated: nothing happens"}, nil
		}
		w.folded[r.ReportID] = true
	}
	return w.fold(name, lifecycle.Input{Report: &r})
}

// review answers the review that the payment asked for.
func (w *world) review(a *args) ([]string, error) {
	w.position++
	name := a.or("payment", "p1")
	asked := w.reviews[name]
	if asked == nil {
		return nil, fmt.Errorf("payment %s asked for no review", name)
	}
	in := &topics.AssessedAuthorization{
		Review: *asked, Decision: decisionOf(a, asked.Command.CommandID, topics.Outcome(a.next())), AssessedAt: w.now,
	}
	in.Decision.Stage = topics.StageAfterAuthorization
	if err := w.described(in); err != nil {
		return nil, err
	}
	return w.fold(name, lifecycle.Input{Review: in})
}

func decisionOf(a *args, command string, outcome topics.Outcome) topics.Decision {
	d := topics.Decision{CommandID: command, Outcome: outcome, RuleSet: "rules"}
	if reasons := a.option("reasons"); reasons != "" {
		d.Reasons = strings.Split(reasons, ",")
	}
	return d
}

// amounts reads the amount and the fee of a report.
func (w *world) amounts(a *args, r *topics.PSPReport, p *lifecycle.Payment) error {
	if a.more() {
		money, err := ledger.ParseMoney(a.next() + " " + a.next())
		if err != nil {
			return err
		}
		r.Amount, r.Currency = money.Minor, string(money.Currency)
	}
	if s := a.option("capturable"); s != "" {
		most, err := ledger.ParseMoney(s + " " + r.Currency)
		if err != nil {
			return err
		}
		r.Capturable = most.Minor
	}
	if s := a.option("fee"); s != "" {
		fee, err := ledger.ParseMoney(s + " " + r.Currency)
		if err != nil {
			return err
		}
		r.Fee = fee.Minor
	}
	return nil
}

// name fills in the request that a report answers: the latest of its operation, or request=capture#1, or none.
func (w *world) name(a *args, r *topics.PSPReport, payment string) error {
	which := a.or("request", string(r.Operation))
	if which == "none" {
		return nil
	}
	if which == "foreign" {
		r.RequestID = "0-999-0"
		return nil
	}
	operation, ordinal, numbered := strings.Cut(which, "#")
	all := w.requests[payment+"/"+operation]
	n := len(all)
	if numbered {
		var err error
		if n, err = strconv.Atoi(ordinal); err != nil {
			return err
		}
	}
	if n < 1 || n > len(all) {
		return fmt.Errorf("request=%s: there are %d requests to %s", which, len(all), operation)
	}
	r.RequestID = all[n-1].String()
	return nil
}

// timer lets the payment's timer run out, or sends the one before it again.
func (w *world) timer(a *args) ([]string, error) {
	name := a.or("payment", "p1")
	p := w.payments[name]
	if p == nil {
		return nil, fmt.Errorf("no payment %s", name)
	}
	w.position++
	if a.flag("stale") {
		if w.last == nil {
			return nil, fmt.Errorf("no timer has run out before")
		}
		return w.fold(name, lifecycle.Input{Timer: w.last})
	}
	if p.Timer.Kind == "" {
		return nil, fmt.Errorf("the payment holds no timer")
	}
	if w.now.Before(p.Timer.Due) {
		w.now = p.Timer.Due
	}
	w.last = &topics.TimerDue{
		TimerID: "t", Generation: p.Timer.Generation, Kind: p.Timer.Kind, Tenant: p.Tenant, CustomerID: p.Customer,
		PaymentID: p.ID.String(), Due: p.Timer.Due,
	}
	if err := w.described(w.last); err != nil {
		return nil, err
	}
	in := lifecycle.Input{Timer: w.last}
	w.checkRetry(p, &in)
	return w.fold(name, in)
}

// spend takes money off the customer's wallet, as a purchase elsewhere in the product does.
func (w *world) spend(a *args) error {
	money, err := ledger.ParseMoney(a.next() + " " + a.next())
	if err != nil {
		return err
	}
	c := ledger.Customer{Tenant: "acme", ID: a.or("customer", "anna"), Currency: money.Currency}
	return w.post(&ledger.Entry{Template: "spent", Postings: []ledger.Posting{
		{Account: c.Account(ledger.CustomerWallet), Minor: money.Minor}, {Account: c.System(ledger.Suspense), Minor: -money.Minor},
	}})
}

// fold decides, folds and books, and checks on the way what holds for every input.
func (w *world) fold(name string, in lifecycle.Input) ([]string, error) {
	in.Position = w.position
	var by string
	by, in.Mandate = w.mandate(name, &in)
	p := w.payments[name]
	events := lifecycle.Decide(p, in, w.now, &w.limits)
	var results []string
	for i := range events {
		e := &events[i]
		if err := w.described(e); err != nil {
			return nil, err
		}
		if e.Type == topics.EventCommandRefused {
			refused := fmt.Sprintf("refused: %s (%s)", e.Refusal, e.Detail)
			if len(e.Reasons) > 0 {
				refused += " reasons " + strings.Join(e.Reasons, ",")
			}
			results = append(results, refused)
			continue
		}
		var entry *ledger.Entry
		var err error
		if p != nil {
			if entry, err = lifecycle.Post(p, e, w.balances.Standing(p.Ledger())); err != nil {
				return nil, err
			}
		}
		if p, err = lifecycle.Evolve(p, e); err != nil {
			return nil, err
		}
		if err := lifecycle.Check(p, e); err != nil {
			return nil, err
		}
		results = append(results, describe(e, p))
		if e.Counted != nil {
			results = append(results, w.counts(e))
		}
		if entry != nil {
			entry.ID.Position, entry.ID.Index = w.position, int16(i)
			if err := w.post(entry); err != nil {
				return nil, err
			}
			results = append(results, "  entry "+postings(entry))
		}
		if r := lifecycle.Request(p, e); r != nil {
			if err := w.described(r); err != nil {
				return nil, err
			}
			results = append(results, "  request "+request(r))
			if id, err := topics.ParseEventID(r.RequestID); err == nil && !r.Poll {
				w.requests[name+"/"+string(r.Operation)] = append(w.requests[name+"/"+string(r.Operation)], id)
				w.asked[id] = r.PSP
			}
		}
		if r := lifecycle.Review(p, e); r != nil {
			if err := w.described(r); err != nil {
				return nil, err
			}
			results = append(results, "  review "+reviewOf(r))
			w.reviews[name] = r
		}
		if e.Timer != nil {
			results = append(results, "  "+w.armed(e.Timer))
		}
	}
	if p != nil {
		w.payments[name] = p
		if err := lifecycle.CheckInvariants(p); err != nil {
			return nil, err
		}
		if err := roundTrip(p); err != nil {
			return nil, err
		}
	}
	if ended := lifecycle.EndsMandate(events); ended != nil && by != "" {
		changed, err := w.fold(by, lifecycle.Input{Declined: ended, Index: len(events)})
		return append(results, changed...), err
	}
	if len(results) == 0 {
		results = []string{"nothing happens"}
	}
	return results, nil
}

// described holds records to their schemas.
func (w *world) described(records ...any) error {
	if w.schemas == nil {
		return nil
	}
	for _, r := range records {
		if err := w.schemas.Check(r); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) post(entry *ledger.Entry) error {
	for _, p := range entry.Postings {
		w.accounts[accountName(p.Account)] = p.Account
	}
	return w.balances.Apply(entry)
}

func (w *world) armed(t *topics.TimerChange) string {
	if t.Kind == "" {
		return "timer off"
	}
	return fmt.Sprintf("timer %s in %s", t.Kind, shortDuration(t.Due.Sub(w.now)))
}

// trial lists the balances that are not zero; debits are positive.
func (w *world) trial() []string {
	var results []string
	for _, name := range slices.Sorted(maps.Keys(w.accounts)) {
		account := w.accounts[name]
		if b := w.balances.Balance(account.ID()); b != 0 {
			results = append(results, fmt.Sprintf("%s %s", name, ledger.Money{Minor: b, Currency: account.Currency}))
		}
	}
	if len(results) == 0 {
		results = []string{"all zero"}
	}
	return results
}

func (w *world) show(a *args) ([]string, error) {
	name := a.or("payment", "p1")
	p := w.payments[name]
	if p == nil {
		return nil, fmt.Errorf("no payment %s", name)
	}
	m := func(v int64) ledger.Money { return ledger.Money{Minor: v, Currency: p.Currency} }
	results := []string{fmt.Sprintf("%s: authorized %s, captured %s, released %s, refunding %s, refunded %s, cases %d",
		p.Status(), m(p.Authorized), m(p.Captured), m(p.Released), m(p.Refunding), m(p.Refunded), p.Cases)}
	for _, op := range p.Operations {
		line := fmt.Sprintf("  %s %s %s", op.Kind, m(op.Amount), op.State)
		switch {
		case op.Unapplied:
			line += ", unapplied"
		case op.PSP != "":
			line += ", given up, at " + op.PSP
		}
		results = append(results, line)
	}
	return results, nil
}

func (w *world) uuid(name string) string { return uuid.NewV5(uuid.Nil, name).String() }

func roundTrip(p *lifecycle.Payment) error {
	state := p.Append(nil)
	again, err := lifecycle.Decode(p.Key(), state)
	if err != nil {
		return err
	}
	if string(again.Append(nil)) != string(state) {
		return fmt.Errorf("stored and read again the payment differs:\n%+v\n%+v", p, again)
	}
	return nil
}
