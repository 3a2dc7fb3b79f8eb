package api

import (
	"github.com/weirhq/weir/topics"
)

// Each decoder turns the body of one operation into the fields of its command.

func decodeCreate(body []byte, c *topics.Command) error {
	var in CreateIntent
	if err := decode(body, &in); err != nil {
		return err
	}
	c.Amount, c.Currency, c.CustomerID, c.Authorize = in.Amount, in.Currency, in.CustomerID, in.Authorize
	c.CaptureMethod, c.CaptureDelaySeconds, c.Card, c.Context = in.CaptureMethod, in.CaptureDelaySeconds, in.Card, in.Context
	c.PaymentMethod = in.PaymentMethod.By() // said or not said, a card is the same
	c.ReturnURL, c.MerchantReference, c.Description, c.Metadata = in.ReturnURL, in.MerchantReference, in.Description, in.Metadata
	c.LinkID, c.StatementDescriptor = in.LinkID, in.StatementDescriptor
	c.SetupMandate, c.Mandate = in.SetupMandate, in.Mandate
	if c.CaptureMethod == "" {
		c.CaptureMethod = topics.CaptureManual // said or not said, it is the same request
		if c.PaymentMethod != nil {
			c.CaptureMethod = topics.CaptureAutomatic
		}
	}
	return nil
}

func decodeAuthorize(body []byte, c *topics.Command) error {
	var in AuthorizeIntent
	err := decode(body, &in)
	c.Context = in.Context
	return err
}

func decodeReview(body []byte, c *topics.Command) error {
	var in ReviewIntent
	err := decode(body, &in)
	c.Reason = in.Reason
	return err
}

func decodeConfirm(body []byte, c *topics.Command) error {
	var in ConfirmIntent
	err := decode(body, &in)
	c.Challenge = &in.Challenge
	return err
}

func decodeCapture(body []byte, c *topics.Command) error {
	var in CaptureIntent
	if err := decode(body, &in); err != nil {
		return err
	}
	c.Currency = in.Currency
	return amountOrAll(in.Amount, &c.Amount)
}

func decodeIncrement(body []byte, c *topics.Command) error {
	var in IncrementIntent
	err := decode(body, &in)
	c.Amount, c.Currency = in.Amount, in.Currency
	return err
}

func decodeRefund(body []byte, c *topics.Command) error {
	var in CreateRefund
	if err := decode(body, &in); err != nil {
		return err
	}
	c.Currency, c.Reason = in.Currency, in.Reason
	c.RequestedBy, c.ApprovedBy, c.Unapplied = in.RequestedBy, approval(in.Approve), in.Unapplied
	return amountOrAll(in.Amount, &c.Amount)
}

// sender stands for the API key in a command that it approves, until its name takes the place.
const sender = "(sender)"

func approval(approves bool) string {
	if approves {
		return sender
	}
	return ""
}

func decodeEnd(body []byte, c *topics.Command) error {
	var in EndIntent
	err := decode(body, &in)
	c.Reason = in.Reason
	return err
}

// amountOrAll keeps an amount of zero from meaning "all that is left", which only an absent one means.
func amountOrAll(given, amount *int64) error {
	if given == nil {
		return nil
	}
	if *given == 0 {
		return invalid("amount", "amount: is zero; want a positive integer in minor units, or none for all that is left")
	}
	*amount = *given
	return nil
}
