package sandbox

import "time"

// payout pays money to a card. Its token decides what happens, as for an authorization, whatever was taken from it before.
func (f *performer) payout(key, fingerprint string, r *Request, now time.Time) (*payment, *refusal) {
	token, refused := f.opens(r)
	if refused != nil {
		return nil, refused
	}
	p := &payment{
		ID: deriveID("po_", key), Reference: r.MerchantReference, Account: r.MerchantAccount, Currency: r.Currency,
		Token: r.Card.Token, Network: deriveID("net_", key),
	}
	op := operation{Key: key, Fingerprint: fingerprint, Kind: Payout, Amount: r.Amount, CreatedAt: now, Status: Approved}
	if token.byHand {
		op.Status = Pending
	}
	if token.payout != "" {
		op.Status = token.payout
	}
	if op.Status == Failed {
		op.Detail = "the card takes no payouts"
	} else {
		p.PaidOut, op.Fee = op.Amount, f.cfg.FeeFixed
	}
	if token.payoutSettles != "" {
		op.SettlesTo, op.SettlesAt = token.payoutSettles, now.Add(f.cfg.SettleDelay)
	}
	f.plan(p, &op, noWebhook, now)
	p.Operations = []operation{op}
	return p, nil
}
