// Package customerkeys encrypts what tells who customers are. Each customer has a data key of their own (AES-256-GCM), which is
// kept in one row of the table customer_keys, encrypted by a master key, and nowhere else. Deleting the row makes everything
// that was encrypted by the key unreadable for ever: in topics, in the log, in copies and in backups of either.
//
// The row is written before the first record that is encrypted by its key, and deleted by the fold in the transaction that erases
// the record. A crash after the first leaves a key that nothing is encrypted by, which the next record of the customer takes.
package customerkeys
