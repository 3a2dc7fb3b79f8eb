package generic

import (
	"errors"
	"fmt"
	"strings"

	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/topics"
	"github.com/weirhq/weir/topics/chargebacks"
)

// Webhook implements psp.Adapter.
func (a *Adapter) Webhook(body []byte) (topics.PSPReport, error) {
	report, err := a.webhook(body)
	if err != nil {
		return topics.PSPReport{}, fmt.Errorf("webhook of %s: %w", a.name, err)
	}
	return report, nil
}

func (a *Adapter) webhook(data []byte) (topics.PSPReport, error) {
	w := a.Definition.Webhook
	if w == nil {
		return topics.PSPReport{}, fmt.Errorf("%w: the PSP's file describes no webhook", psp.ErrUnknownEvent)
	}
	body, err := decode(data)
	if err != nil {
		return topics.PSPReport{}, err
	}
	ids := make([]string, len(w.id))
	for i, at := range w.id {
		if ids[i] = at.short(body); ids[i] == "" {
			return topics.PSPReport{}, fmt.Errorf("field %q is missing or too long", strings.Join(at, "."))
		}
	}
	word, _ := w.outcomeAt.text(body)
	m, known := w.outcomes[word]
	if !known || !w.fits(&values{r: &topics.PSPRequest{}}, body) {
		return topics.PSPReport{}, fmt.Errorf("%w: %.64q", psp.ErrUnknownEvent, word)
	}
	report := topics.PSPReport{
		Source: topics.SourceWebhook, PSP: a.name, Operation: m.operation, Outcome: m.outcome, Captured: m.captured,
		PaymentID: w.payment.short(body), RequestID: w.request.short(body), Tenant: w.tenant.short(body),
		ReportID: topics.WebhookReportID(a.name, strings.Join(ids, "\x00")),
	}
	if err := a.fill(&report, &w.reading, body); err != nil {
		return topics.PSPReport{}, err
	}
	if _, ok := w.amount.text(body); !ok || report.Currency == "" {
		return topics.PSPReport{}, fmt.Errorf("field %q or %q is missing", strings.Join(w.amount, "."), strings.Join(w.currency, "."))
	}
	if m.fact != "" {
		if err := a.dispute(&report, m.fact, body); err != nil {
			return topics.PSPReport{}, err
		}
	}
	if strings.Contains(strings.Join(ids, "")+report.PSPReference, "*") { // two masked ids would be taken for one
		return topics.PSPReport{}, errors.New("the event's id or reference is masked: it looked like a card number")
	}
	if text, ok := w.occurred.text(body); ok {
		report.OccurredAt = moment(text)
	}
	return report, nil
}

// dispute completes a report of a dispute.
func (a *Adapter) dispute(report *topics.PSPReport, fact topics.DisputeFact, body any) error {
	at := a.Definition.Webhook.dispute
	d := &topics.DisputeReport{Reference: at.reference.short(body), Fact: fact, Movement: at.movement.short(body), Reason: at.reason.short(body)}
	switch {
	case d.Reference == "":
		return fmt.Errorf("field %q is missing or too long", strings.Join(at.reference, "."))
	case strings.Contains(d.Reference+d.Movement, "*"):
		return errors.New("the dispute's reference is masked: it looked like a card number")
	case report.PSPReference == "" && report.PaymentID == "":
		return errors.New("the event names a dispute and no payment")
	}
	if text, ok := at.due.text(body); ok {
		d.EvidenceDue = moment(text)
	}
	if number, ok := at.fee.text(body); ok {
		fee, err := a.amount(number, report.Currency)
		if err != nil {
			return err
		}
		if report.Fee = fee; fact == topics.FactFundsReinstated { // which gives it back
			report.Fee = -fee
		}
	}
	report.Dispute, report.RequestID = d, "" // nobody asked for it
	chargebacks.Classify(d)
	return nil
}
