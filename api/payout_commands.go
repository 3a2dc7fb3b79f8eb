package api

import "github.com/weirhq/weir/topics"

// Each decoder turns the body of one operation on payouts into the fields of its command.

func decodePayout(body []byte, c *topics.PayoutCommand) error {
	var in CreatePayout
	err := decode(body, &in)
	c.CustomerID, c.Amount, c.Currency, c.Card, c.Context = in.CustomerID, in.Amount, in.Currency, in.Card, in.Context
	c.RequestedBy, c.MerchantReference, c.Description, c.Metadata = in.RequestedBy, in.MerchantReference, in.Description, in.Metadata
	return err
}

func decodeApproval(body []byte, c *topics.PayoutCommand) error {
	var in ApprovePayout
	err := decode(body, &in)
	c.RequestedBy = in.RequestedBy
	return err
}

func decodePayoutEnd(body []byte, c *topics.PayoutCommand) error {
	var in EndPayout
	err := decode(body, &in)
	c.Reason = in.Reason
	return err
}
