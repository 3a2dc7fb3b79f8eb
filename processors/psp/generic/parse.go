package generic

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
	"github.com/weirhq/weir/topics/declines"
)

// operations are those that a file may describe.
var operations = []topics.PSPOperation{
	topics.OperationAuthorize, topics.OperationConfirm, topics.OperationCapture, topics.OperationVoid, topics.OperationRefund,
}

// Parse reads a file. Its error is of type rules.Problems and holds every mistake with its place.
func Parse(file rules.File) (*Definition, error) {
	var problems rules.Problems
	sheet, entries := rules.NewSheet(file, "a PSP file", []string{"amounts", "methods", "codes", "idempotency", "headers", "operations", "answers", "webhook"}, &problems)
	p := &parser{sheet, &Definition{Operations: map[topics.PSPOperation]*operation{}}}
	var window rules.Node
	var common []reading
	for _, e := range entries {
		switch e.Key {
		case "amounts":
			p.d.Decimal = p.OneOf(e.Value, "amounts", "minor", "decimal") == "decimal"
		case "methods":
			p.methods(e.Value)
		case "codes":
			p.d.Codes = declines.Source(p.OneOf(e.Value, "codes", string(declines.ISO8583), string(declines.Mastercard), string(declines.Sandbox)))
		case "idempotency":
			window = p.idempotency(e.Value)
		case "headers":
			p.d.Headers = p.pairs(e.Value, "headers", true)
		case "operations":
			p.operations(e.Value)
		case "answers":
			for _, answer := range p.Sequence(e.Value, "answers") {
				common = append(common, p.answer(answer, "", false))
			}
		case "webhook":
			p.d.Webhook = p.webhook(e.Value)
		}
	}
	for _, op := range p.d.Operations {
		op.answers = append(op.answers, common...)
	}
	if len(problems) == 0 && len(p.d.Operations) == 0 {
		problems = append(problems, rules.Problem{File: file.Name, Message: "no operation is described", Hint: "describe authorize at least, under operations"})
	}
	if window != nil && len(problems) == 0 {
		for _, name := range slices.Sorted(maps.Keys(p.d.Operations)) {
			if p.d.Operations[name].poll == nil {
				p.Fail(window, "describe its poll, or leave window out", "operation %s has no poll: a repeat of it could not be told from a new one after the window", name)
			}
		}
	}
	return p.d, problems.Sorted()
}

// Read parses the file at a path.
func Read(name string) (*Definition, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return Parse(rules.File{Name: name, Text: text})
}

type parser struct {
	*rules.Sheet
	d *Definition
}

// idempotency returns where the window stands, nil where it does not.
// methods reads the methods of payment that the PSP takes.
func (p *parser) methods(n rules.Node) {
	for _, of := range p.Sequence(n, "methods") {
		p.d.Methods = append(p.d.Methods, p.OneOf(of, "methods", topics.Methods()...))
	}
	if len(p.d.Methods) == 0 {
		p.Fail(n, "list some of "+strings.Join(topics.Methods(), ", ")+", or leave methods out: all", "methods is empty")
	}
}

func (p *parser) idempotency(n rules.Node) (window rules.Node) {
	for _, e := range p.Mapping(n, "idempotency", []string{"header", "window"}) {
		if e.Key == "header" {
			p.d.KeyHeader = p.header(e.Value, p.Text(e.Value, "header"))
			continue
		}
		p.d.KeyWindow, window = p.Duration(e.Value, "window", time.Minute, 90*24*time.Hour), e.Value
	}
	if p.d.KeyHeader == "" {
		p.Fail(n, "write header: Idempotency-Key", "idempotency does not say which header holds the key")
	}
	return window
}

// header checks the name of a header.
func (p *parser) header(n rules.Node, name string) string {
	for _, c := range []byte(name) {
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			p.Fail(n, "letters, digits and -", "%q is not the name of a header", name)
			return ""
		}
	}
	return http.CanonicalHeaderKey(name)
}

// pairs reads names with templates.
func (p *parser) pairs(n rules.Node, what string, headers bool) []pair {
	var pairs []pair
	for _, e := range p.Mapping(n, what, nil) {
		one := pair{e.Key, p.template(e.Value, what)}
		if headers {
			one.name = p.header(e.Value, e.Key)
		}
		if what == "query" && one.uses(secretName) {
			p.Fail(e.Value, "put it into a header", "the secret would stand in addresses, which are logged")
		}
		pairs = append(pairs, one)
	}
	return pairs
}

func (p *parser) template(n rules.Node, what string) template {
	t, err := parseTemplate(p.Text(n, what))
	if unknown := (*unknownVariable)(nil); errors.As(err, &unknown) {
		p.Fail(n, rules.Suggest(unknown.name, variableNames()), "%s", err)
	} else if err != nil {
		p.Fail(n, "write ${name}", "%s", err)
	}
	p.d.NeedsSecret = p.d.NeedsSecret || t.uses(secretName)
	return t
}

func (p *parser) path(n rules.Node, what string) path {
	text := p.Text(n, what)
	if text == "" {
		return nil
	}
	at, err := parsePath(text)
	if err != nil {
		p.Fail(n, "", "%s: %s", what, err)
	}
	return at
}

func (p *parser) operations(n rules.Node) {
	names := make([]string, len(operations))
	for i, name := range operations {
		names[i] = string(name)
	}
	for _, e := range p.Mapping(n, "operations", names) {
		name := topics.PSPOperation(e.Key)
		op := &operation{}
		op.call = p.call(e.Value, "operation "+e.Key, name, func(inner rules.SheetEntry) {
			poll := p.call(inner.Value, "poll", name, nil)
			op.poll = &poll
		})
		p.d.Operations[name] = op
	}
}

// callKeys are what describes a call; the first three say where it goes.
var callKeys = []string{"get", "post", "put", "query", "headers", "json", "form", "answers"}

// call reads one call. poll takes the part of that name in; without it the call is a poll itself.
func (p *parser) call(n rules.Node, what string, of topics.PSPOperation, poll func(rules.SheetEntry)) call {
	c := call{keyed: poll != nil}
	keys := callKeys
	if poll != nil {
		keys = append(slices.Clone(keys), "poll")
	}
	for _, e := range p.Mapping(n, what, keys) {
		switch e.Key {
		case "get", "post", "put":
			if c.method != "" {
				p.FailKey(e, "write one of them", "%s is both %s and %s", what, strings.ToLower(c.method), e.Key)
			}
			c.method, c.path = strings.ToUpper(e.Key), p.segments(e.Value)
		case "query":
			c.query = p.pairs(e.Value, "query", false)
		case "headers":
			c.headers = p.pairs(e.Value, "headers", true)
		case "json":
			c.body = p.body(e.Value)
		case "form":
			c.form = p.pairs(e.Value, "form", false)
		case "answers":
			for _, answer := range p.Sequence(e.Value, "answers") {
				c.answers = append(c.answers, p.answer(answer, of, poll == nil))
			}
		case "poll":
			poll(e)
		}
	}
	switch {
	case c.method == "":
		p.Fail(n, "write post: /path", "%s does not say where it goes", what)
	case len(c.answers) == 0:
		p.Fail(n, "write answers:", "%s does not say what answers mean", what)
	case c.body != nil && c.form != nil:
		p.Fail(n, "leave one of them out", "%s has a body of json and one of form", what)
	case c.method == http.MethodGet && (c.body != nil || c.form != nil):
		p.Fail(n, "write query:, or post:", "%s: a get has no body", what)
	}
	return c
}

// segments reads a path.
func (p *parser) segments(n rules.Node) []segment {
	text := p.Text(n, "the path")
	rest, ok := strings.CutPrefix(text, "/")
	if text == "" || !ok || strings.ContainsAny(text, "?# ") {
		p.Fail(n, "such as /v1/payments/${reference}", "%q is not a path; it begins with / and has no query", text)
		return nil
	}
	var all []segment
	for part := range strings.SplitSeq(rest, "/") {
		t, err := parseTemplate(part)
		if unknown := (*unknownVariable)(nil); errors.As(err, &unknown) {
			p.Fail(n, rules.Suggest(unknown.name, variableNames()), "%s", err)
		} else if err != nil {
			p.Fail(n, "write ${name}", "%s", err)
		} else if t.uses(secretName) {
			p.Fail(n, "put it into a header", "the secret would stand in addresses, which are logged")
		}
		all = append(all, t)
	}
	return all
}

// outcomesOf are the words for outcomes that may stand somewhere.
func outcomesOf(poll bool) []string {
	words := []string{"approved", "pending", "requires_action", "declined", "failed", "reversed", "unknown"}
	if poll {
		return append(words, string(topics.PSPNotFound))
	}
	return append(words, string(notSent))
}

var (
	readingKeys = []string{"where", "has", "reference", "amount", "currency", "network_reference", "code", "hard", "detail", "captured", "authentication"}
	answerKeys  = append([]string{"status", "outcome", "action", "capturable"}, readingKeys...)
)

// answer reads what an answer to a call means.
func (p *parser) answer(n rules.Node, of topics.PSPOperation, poll bool) reading {
	r := reading{statusLow: http.StatusContinue, statusHigh: 599}
	for _, e := range p.Mapping(n, "an answer", answerKeys) {
		switch e.Key {
		case "status":
			r.statusLow, r.statusHigh = p.statuses(e.Value)
		case "outcome":
			p.outcome(e.Value, &r, poll)
		case "action":
			r.action = p.action(e.Value)
		case "capturable":
			r.capturable = p.path(e.Value, e.Key)
			p.d.OverCapture = true
			if of != topics.OperationAuthorize && of != topics.OperationConfirm {
				p.Fail(e.Value, "write it in answers to authorize or confirm", "capturable is what may be captured of an authorisation")
			}
		default:
			p.reading(e, &r)
		}
	}
	p.checkAnswer(n, &r, of)
	return r
}

// checkAnswer refuses what would take something for an answer of the PSP's that may be none.
func (p *parser) checkAnswer(n rules.Node, r *reading, of topics.PSPOperation) {
	says := map[topics.PSPOutcome]bool{r.outcome: true}
	for _, m := range r.outcomes {
		says[m.outcome] = true
	}
	switch {
	case r.outcome == "" && r.outcomes == nil:
		p.Fail(n, "write outcome:", "the answer does not say what it means")
	case r.outcome == topics.PSPApproved:
		p.Fail(n, "write outcome: {at: status, is: {done: approved}}", "an approval must be read from a field")
	case r.outcome != "" && r.outcome != topics.PSPUnknown && len(r.where)+len(r.has) == 0:
		p.Fail(n, "name a field that such an answer has: has: [error]", "every answer of this status would be %s, also one of a proxy", r.outcome)
	case says[topics.PSPApproved] && !r.namesOurs():
		p.Fail(n, `compare what it names: where: {id: "${payment_id}"}`, "an approval of another payment would be taken for one of this; ${request_id} and ${reference} do, too")
	case says[topics.PSPRequiresAction] && r.action == nil:
		p.Fail(n, "write action:", "the customer is to act, and the answer does not say how")
	case says[topics.PSPApproved] && of == topics.OperationAuthorize && r.reference == nil:
		p.Fail(n, "write reference:", "an authorisation without the PSP's reference could never be captured")
	case r.currency != nil && r.amount == nil:
		p.Fail(n, "write amount:", "a currency without an amount")
	}
}

// namesOurs tells whether a reading fits only what names the payment, the request or the authorisation that was asked about.
func (r *reading) namesOurs() bool {
	return slices.ContainsFunc(r.where, func(c condition) bool {
		return !slices.ContainsFunc(c.any, func(t template) bool {
			return !t.uses("payment_id") && !t.uses("request_id") && !t.uses("reference")
		})
	})
}

func (p *parser) statuses(n rules.Node) (low, high int) {
	text := p.Value(n)
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	_, err := fmt.Sscanf(from+" "+to, "%d %d", &low, &high)
	if err != nil || low < 100 || high > 599 || low > high {
		p.Fail(n, "such as 201 or 200-299", "%q is not an HTTP status", text)
	}
	return low, high
}

// outcome reads a word, or where to find one and what each stands for.
func (p *parser) outcome(n rules.Node, r *reading, poll bool) {
	if !isMapping(n) {
		r.outcome = topics.PSPOutcome(p.OneOf(n, "outcome", outcomesOf(poll)...))
		return
	}
	r.outcomes = map[string]meaning{}
	for _, e := range p.Mapping(n, "outcome", []string{"at", "is"}) {
		if e.Key == "at" {
			r.outcomeAt = p.path(e.Value, "at")
			continue
		}
		for _, word := range p.Mapping(e.Value, "is", nil) {
			outcome := p.OneOf(word.Value, "outcome", outcomesOf(poll)...)
			r.outcomes[word.Key] = meaning{outcome: topics.PSPOutcome(outcome)}
		}
	}
	if r.outcomeAt == nil || len(r.outcomes) == 0 {
		p.Fail(n, "write {at: status, is: {done: approved}}", "outcome must say where to look and what each word stands for")
	}
}
