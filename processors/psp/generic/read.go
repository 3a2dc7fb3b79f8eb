package generic

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/topics"
	"github.com/weirhq/weir/topics/declines"
)

// fits tells whether an answer is the one that is described.
func (r *reading) fits(v *values, body any) bool {
	for _, p := range r.has {
		if _, ok := p.text(body); !ok {
			return false
		}
	}
	for _, c := range r.where {
		got, ok := c.at.text(body)
		if !ok || !c.holds(v, got) {
			return false
		}
	}
	return true
}

func (c *condition) holds(v *values, got string) bool {
	for _, t := range c.any {
		if want, err := t.fill(v, asIs); err == nil && want == got {
			return true
		}
	}
	return false
}

// report is what an answer to a request says, once it fits. An outcome that the file does not know is an error.
func (d *Definition) report(r *topics.PSPRequest, status int, data []byte, answers []reading, v *values) (topics.PSPReport, error) {
	body, err := decode(data)
	if err != nil {
		return topics.PSPReport{}, fmt.Errorf("%w: answered %d, which is not JSON", psp.ErrUnknown, status)
	}
	for i := range answers {
		a := &answers[i]
		if status < a.statusLow || status > a.statusHigh || !a.fits(v, body) {
			continue
		}
		return d.answer(r, a, status, body)
	}
	return topics.PSPReport{}, fmt.Errorf("%w: answered %d, and no described answer fits", psp.ErrUnknown, status)
}

func (d *Definition) answer(r *topics.PSPRequest, a *reading, status int, body any) (topics.PSPReport, error) {
	report := topics.PSPReport{Operation: r.Operation, Outcome: a.outcome, PSPReference: r.PSPReference, Amount: r.Amount, Currency: r.Currency}
	if a.outcomes != nil {
		word, _ := a.outcomeAt.text(body)
		m, ok := a.outcomes[word]
		if !ok {
			return topics.PSPReport{}, fmt.Errorf("%w: answered %d, and %.64q is not described", psp.ErrUnknown, status, word)
		}
		report.Outcome = m.outcome
	}
	if err := d.fill(&report, a, body); err != nil {
		return topics.PSPReport{}, fmt.Errorf("%w: %w", psp.ErrUnknown, err)
	}
	report.Captured = report.Outcome == topics.PSPApproved && (report.Captured || a.captured)
	switch report.Outcome {
	case notSent:
		return topics.PSPReport{}, fmt.Errorf("%w: answered %d: %s", psp.ErrNotSent, status, report.Detail)
	case topics.PSPUnknown:
		return topics.PSPReport{}, fmt.Errorf("%w: answered %d: %s", psp.ErrUnknown, status, report.Detail)
	case topics.PSPRequiresAction:
		if report.Action = a.action.read(body); report.Action == nil {
			return topics.PSPReport{}, fmt.Errorf("%w: the customer is to act, and the answer does not say how", psp.ErrUnknown)
		}
	case topics.PSPApproved, topics.PSPReversed:
		report.Capturable = d.capturable(a, body, report.Currency)
		if err := a.complete(&report, body); err != nil {
			return topics.PSPReport{}, fmt.Errorf("%w: %s without %w", psp.ErrUnknown, report.Outcome, err)
		}
	}
	return report, nil
}

// complete finds what an answer lacks of that which its file says stands there: without it, it would be one of all that was asked
// for.
func (r *reading) complete(report *topics.PSPReport, body any) error {
	if r.reference != nil && report.PSPReference == "" {
		return errors.New("a reference")
	}
	if _, ok := r.amount.text(body); r.amount != nil && !ok {
		return errors.New("an amount")
	}
	if _, ok := r.currency.text(body); r.currency != nil && !ok {
		return errors.New("a currency")
	}
	return nil
}

// fill reads what stands beside the outcome.
func (d *Definition) fill(report *topics.PSPReport, a *reading, body any) error {
	if reference := a.reference.short(body); reference != "" {
		report.PSPReference = reference
	}
	report.NetworkReference = a.network.short(body)
	if text, ok := a.capturedAt.text(body); ok {
		report.Captured = text == "true"
	}
	auth := topics.AuthData{
		ECI: a.auth["eci"].short(body), CAVV: a.auth["cavv"].short(body), DSTransactionID: a.auth["ds_transaction_id"].short(body),
		AVS: a.auth["avs"].short(body), CVV: a.auth["cvv"].short(body),
	}
	if auth != (topics.AuthData{}) {
		report.Authentication = &auth
	}
	if report.Outcome == topics.PSPDeclined || report.Outcome == topics.PSPFailed || report.Outcome == topics.PSPReversed {
		report.DeclineCode = a.code.short(body)
		report.HardDecline = a.hard[report.DeclineCode]
		if d.Codes != "" {
			declines.Classify(report, d.Codes)
		}
	}
	detail, _ := a.detail.text(body)
	report.Detail = psp.SafeDetail(detail)
	if currency, ok := a.currency.text(body); ok {
		report.Currency = currency
	}
	number, ok := a.amount.text(body)
	if !ok {
		return nil
	}
	amount, err := d.amount(number, report.Currency)
	report.Amount = amount
	return err
}

// capturable is how much an answer says may be captured in all; what is none of the PSP's amounts is no word of it.
func (d *Definition) capturable(a *reading, body any, currency string) int64 {
	number, ok := a.capturable.text(body)
	if !ok {
		return 0
	}
	most, err := d.amount(number, currency)
	if err != nil {
		return 0
	}
	return most
}

// amount reads an amount as the PSP writes it. More decimals than the currency has are none of its, unless they are zeros.
func (d *Definition) amount(number, currency string) (int64, error) {
	if len(number) > maxShort {
		return 0, fmt.Errorf("amount %.32q…: is too long", number)
	}
	if !d.Decimal {
		amount, err := strconv.ParseInt(number, 10, 64)
		if err != nil || amount < 0 || amount > topics.MaxAmount {
			return 0, fmt.Errorf("amount %q: want minor units", number)
		}
		if _, ok := ledger.Currency(currency).Exponent(); !ok {
			return 0, fmt.Errorf("currency %.8q: is not one of ISO 4217", currency)
		}
		return amount, nil
	}
	money, err := ledger.ParseAmount(trimZeros(number, currency), ledger.Currency(currency))
	if err == nil && (money.Minor < 0 || money.Minor > topics.MaxAmount) {
		err = fmt.Errorf("amount %q: is out of range", number)
	}
	return money.Minor, err
}

// trimZeros takes off the zeros at the end that a currency has no decimals for.
func trimZeros(number, currency string) string {
	exponent, _ := ledger.Currency(currency).Exponent()
	point := -1
	for i := range len(number) {
		if number[i] == '.' {
			point = i
		}
	}
	if point < 0 {
		return number
	}
	for len(number)-point-1 > exponent && number[len(number)-1] == '0' {
		number = number[:len(number)-1]
	}
	if number[len(number)-1] == '.' {
		number = number[:len(number)-1]
	}
	return number
}

// read is the action in an answer, nil where what the customer must see is missing.
func (a *actionAt) read(body any) *topics.Action {
	if a == nil {
		return nil
	}
	if shown, _ := a.main().text(body); shown == "" {
		return nil
	}
	action := &topics.Action{Type: a.kind}
	for at, to := range map[*path]*string{&a.url: &action.URL, &a.token: &action.Token, &a.qrCode: &action.QRCode, &a.deeplink: &action.Deeplink, &a.copyCode: &action.CopyCode} {
		*to, _ = at.text(body)
	}
	if text, ok := a.expires.text(body); ok {
		action.ExpiresAt = moment(text)
	}
	return action
}

// moment reads a time as RFC 3339 or Unix seconds; anything else is none.
func moment(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if seconds, numberErr := strconv.ParseInt(text, 10, 64); err != nil && numberErr == nil {
		t, err = time.Unix(seconds, 0), nil
	}
	if t = t.UTC().Truncate(time.Millisecond); err != nil || !topics.ValidTime(t) {
		return time.Time{}
	}
	return t
}
