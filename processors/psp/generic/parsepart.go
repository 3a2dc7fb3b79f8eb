package generic

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

func isMapping(n rules.Node) bool {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	return false
}

// reading reads what answers and webhooks have in common.
func (p *parser) reading(e rules.SheetEntry, r *reading) {
	switch e.Key {
	case "where":
		r.where = p.conditions(e.Value)
	case "has":
		for _, n := range p.Sequence(e.Value, "has") {
			r.has = append(r.has, p.path(n, "has"))
		}
	case "reference":
		r.reference = p.path(e.Value, e.Key)
	case "amount":
		r.amount = p.path(e.Value, e.Key)
	case "currency":
		r.currency = p.path(e.Value, e.Key)
	case "network_reference":
		r.network = p.path(e.Value, e.Key)
	case "code":
		r.code = p.path(e.Value, e.Key)
	case "detail":
		r.detail = p.path(e.Value, e.Key)
	case "captured":
		if _, ok := e.Value.(*ast.BoolNode); ok {
			r.captured = p.Boolean(e.Value, "captured")
			return
		}
		r.capturedAt = p.path(e.Value, e.Key)
	case "authentication":
		r.auth = map[string]path{}
		for _, inner := range p.Mapping(e.Value, "authentication", []string{"eci", "cavv", "ds_transaction_id", "avs", "cvv"}) {
			r.auth[inner.Key] = p.path(inner.Value, inner.Key)
		}
	case "hard":
		r.hard = map[string]bool{}
		for _, n := range p.Sequence(e.Value, "hard") {
			r.hard[p.Value(n)] = true
		}
	}
}

// conditions reads fields with the values that they must have.
func (p *parser) conditions(n rules.Node) []condition {
	var all []condition
	for _, e := range p.Mapping(n, "where", nil) {
		at, err := parsePath(e.Key)
		if err != nil {
			p.FailKey(e, "", "%s", err)
		}
		c := condition{at: at}
		nodes := []rules.Node{e.Value}
		if list, ok := e.Value.(*ast.SequenceNode); ok {
			nodes = list.Values
		}
		for _, n := range nodes {
			t, err := parseTemplate(p.Value(n))
			if err != nil {
				p.Fail(n, "", "%s", err)
			}
			if t.uses(secretName) {
				p.Fail(n, "", "an answer does not hold the secret")
			}
			c.any = append(c.any, t)
		}
		all = append(all, c)
	}
	return all
}

func (p *parser) action(n rules.Node) *actionAt {
	a := &actionAt{}
	for _, e := range p.Mapping(n, "action", []string{"type", "url", "token", "qr_code", "deeplink", "copy_code", "expires_at"}) {
		switch e.Key {
		case "type":
			a.kind = p.OneOf(e.Value, "type", "redirect", "client_token", "qr_code", "deeplink", "copy_code")
		case "url":
			a.url = p.path(e.Value, e.Key)
		case "token":
			a.token = p.path(e.Value, e.Key)
		case "qr_code":
			a.qrCode = p.path(e.Value, e.Key)
		case "deeplink":
			a.deeplink = p.path(e.Value, e.Key)
		case "copy_code":
			a.copyCode = p.path(e.Value, e.Key)
		case "expires_at":
			a.expires = p.path(e.Value, e.Key)
		}
	}
	if a.main() == nil {
		p.Fail(n, "write type: redirect with url:, or another type with what it shows", "the action does not say what the customer sees")
	}
	return a
}

// main is where that stands without which an action of its kind is none.
func (a *actionAt) main() path {
	switch a.kind {
	case "redirect":
		return a.url
	case "client_token":
		return a.token
	case "qr_code":
		return a.qrCode
	case "deeplink":
		return a.deeplink
	case "copy_code":
		return a.copyCode
	}
	return nil
}

// body reads a JSON body as YAML has it.
func (p *parser) body(n rules.Node) value {
	switch n := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		var o object
		for _, e := range p.Mapping(n, "json", nil) {
			if inner := p.body(e.Value); inner != nil {
				o = append(o, member{e.Key, inner})
			}
		}
		return o
	case *ast.SequenceNode:
		l := list{}
		for _, one := range p.Sequence(n, "json") {
			if inner := p.body(one); inner != nil {
				l = append(l, inner)
			}
		}
		return l
	case *ast.IntegerNode, *ast.BoolNode, *ast.NullNode:
		text := n.GetToken().Value
		if !json.Valid([]byte(text)) {
			p.Fail(n, "put it in quotes, or write it as JSON does", "%s is not JSON", text)
		}
		return literal{json.RawMessage(text)}
	}
	return p.template(n, "a value")
}

func (p *parser) webhook(n rules.Node) *webhook {
	w := &webhook{}
	var event rules.Node
	for _, e := range p.Mapping(n, "webhook", append([]string{"id", "payment", "request", "tenant", "occurred_at", "event", "dispute"}, readingKeys...)) {
		switch e.Key {
		case "id":
			nodes := []rules.Node{e.Value}
			if list, ok := e.Value.(*ast.SequenceNode); ok {
				nodes = list.Values
			}
			for _, n := range nodes {
				w.id = append(w.id, p.path(n, "id"))
			}
		case "payment":
			w.payment = p.path(e.Value, e.Key)
		case "request":
			w.request = p.path(e.Value, e.Key)
		case "tenant":
			w.tenant = p.path(e.Value, e.Key)
		case "occurred_at":
			w.occurred = p.path(e.Value, e.Key)
		case "dispute":
			w.dispute = p.dispute(e.Value)
		case "event":
			event = e.Value
			p.event(e.Value, w)
		default:
			p.reading(e, &w.reading)
		}
	}
	for _, c := range w.where {
		for _, t := range c.any {
			if len(t.parts) > 1 {
				p.Fail(n, "write the value itself", "a webhook answers no request: where can hold no variable")
			}
		}
	}
	disputed := slices.ContainsFunc(slices.Collect(maps.Values(w.outcomes)), func(m meaning) bool { return m.fact != "" })
	switch {
	case disputed && w.dispute == nil:
		p.Fail(n, "write dispute: {reference: data.dispute_id}", "the webhook has events of disputes and does not say which dispute one is of")
	case w.dispute != nil && !disputed:
		p.Fail(n, "such as: chargeback.opened: dispute opened", "the webhook says where disputes are named, and no event is of one")
	case len(w.id) == 0:
		p.Fail(n, "write id: event_id", "the webhook does not say what names an event; a repeat would move money again")
	case w.payment == nil && w.reference == nil:
		p.Fail(n, "write payment: and reference:", "the webhook does not say whose it is")
	case event == nil:
		p.Fail(n, "write event: {at: type, is: {paid: authorize approved captured}}", "the webhook does not say what its events mean")
	case w.amount == nil || w.currency == nil:
		p.Fail(n, "write amount: and currency:", "the webhook does not say how much it is about, so that nothing could be compared")
	}
	return w
}

// event reads where the kind of an event stands, and what each kind means: an operation, an outcome, and captured.
func (p *parser) event(n rules.Node, w *webhook) {
	w.outcomes = map[string]meaning{}
	for _, e := range p.Mapping(n, "event", []string{"at", "is"}) {
		if e.Key == "at" {
			w.outcomeAt = p.path(e.Value, "at")
			continue
		}
		for _, word := range p.Mapping(e.Value, "is", nil) {
			w.outcomes[word.Key] = p.meaning(word.Value)
		}
	}
	if w.outcomeAt == nil || len(w.outcomes) == 0 {
		p.Fail(n, "write {at: type, is: {paid: authorize approved captured}}", "event must say where to look and what each word stands for")
	}
}

// dispute reads where events say which dispute they are of, and what they know of it.
func (p *parser) dispute(n rules.Node) *disputeAt {
	d := &disputeAt{}
	for _, e := range p.Mapping(n, "dispute", []string{"reference", "movement", "reason", "evidence_due", "fee"}) {
		switch at := p.path(e.Value, e.Key); e.Key {
		case "reference":
			d.reference = at
		case "movement":
			d.movement = at
		case "reason":
			d.reason = at
		case "evidence_due":
			d.due = at
		case "fee":
			d.fee = at
		}
	}
	if d.reference == nil {
		p.Fail(n, "write reference: data.dispute_id", "dispute does not say what the PSP calls the dispute")
	}
	return d
}

// facts are what may happen to a dispute, as events and files have it.
func facts() []string {
	return []string{
		string(topics.FactInquiry), string(topics.FactOpened), string(topics.FactEvidenceSubmitted), string(topics.FactPreArbitration),
		string(topics.FactArbitration), string(topics.FactWon), string(topics.FactLost), string(topics.FactClosed),
		string(topics.FactFundsWithdrawn), string(topics.FactFundsReinstated), string(topics.FactFee), string(topics.FactFeeReturned),
	}
}

func (p *parser) meaning(n rules.Node) meaning {
	words := strings.Fields(p.Text(n, "an event"))
	if len(words) > 0 && words[0] == string(topics.OperationDispute) {
		if len(words) != 2 || !slices.Contains(facts(), words[1]) {
			p.Fail(n, "such as: dispute funds_withdrawn", "want dispute and one of %s", strings.Join(facts(), ", "))
			return meaning{}
		}
		return meaning{operation: topics.OperationDispute, outcome: topics.PSPApproved, fact: topics.DisputeFact(words[1])}
	}
	wrong := func() meaning {
		p.Fail(n, "such as: refund reversed", "want an operation (authorize, capture, void, refund), an outcome (approved, pending, declined, failed, reversed), and perhaps captured; or dispute and what happened to it")
		return meaning{}
	}
	if len(words) < 2 || len(words) > 3 || len(words) == 3 && (words[2] != "captured" || words[0] != "authorize" || words[1] != "approved") {
		return wrong()
	}
	m := meaning{operation: topics.PSPOperation(words[0]), outcome: topics.PSPOutcome(words[1]), captured: len(words) == 3}
	switch m.operation {
	case topics.OperationAuthorize, topics.OperationCapture, topics.OperationVoid, topics.OperationRefund:
	default:
		return wrong()
	}
	switch m.outcome {
	case topics.PSPApproved, topics.PSPPending, topics.PSPDeclined, topics.PSPFailed, topics.PSPReversed:
	default:
		return wrong()
	}
	return m
}
