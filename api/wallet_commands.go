package api

import "github.com/weirhq/weir/topics"

// Each decoder turns the body of one operation on a wallet into the fields of its command.

func decodeMovement(body []byte, c *topics.WalletCommand) error {
	var in MoveWallet
	err := decode(body, &in)
	c.Amount, c.Currency, c.Reason, c.RoundID = in.Amount, in.Currency, in.Reason, in.RoundID
	c.RequestedBy, c.ApprovedBy, c.EffectiveAt, c.Description = in.RequestedBy, approval(in.Approve), in.EffectiveAt.UTC(), in.Description
	return err
}

func decodeHold(body []byte, c *topics.WalletCommand) error {
	var in PlaceHold
	err := decode(body, &in)
	c.Amount, c.Currency, c.RequestedBy, c.ApprovedBy = in.Amount, in.Currency, in.RequestedBy, approval(in.Approve)
	c.ExpiresAt, c.EffectiveAt, c.Description = in.ExpiresAt.UTC(), in.EffectiveAt.UTC(), in.Description
	return err
}

func decodeHoldCapture(body []byte, c *topics.WalletCommand) error {
	var in CaptureHold
	if err := decode(body, &in); err != nil {
		return err
	}
	c.Currency, c.Reason, c.RoundID = in.Currency, in.Reason, in.RoundID
	c.RequestedBy, c.ApprovedBy, c.EffectiveAt, c.Description = in.RequestedBy, approval(in.Approve), in.EffectiveAt.UTC(), in.Description
	return amountOrAll(in.Amount, &c.Amount)
}

func decodeWalletStep(body []byte, c *topics.WalletCommand) error {
	var in WalletStep
	err := decode(body, &in)
	c.EffectiveAt, c.Description = in.EffectiveAt.UTC(), in.Description
	return err
}

func decodeLimit(body []byte, c *topics.WalletCommand) error {
	var in SetLimit
	err := decode(body, &in)
	c.Amount, c.Currency, c.RequestedBy, c.Description = in.Amount, in.Currency, in.RequestedBy, in.Description
	c.Limit = &topics.LimitRequest{Kind: in.Kind, Period: in.Period, SetBy: in.SetBy, Seconds: in.Seconds, Remove: in.Remove}
	return err
}

func decodeWalletClose(body []byte, c *topics.WalletCommand) error {
	var in CloseWallet
	err := decode(body, &in)
	c.Description = in.Description
	return err
}
