-- The device's start that its last believed status named, and what a command had ended with before its device's verdict contradicted that.
ALTER TABLE locks ADD COLUMN boot TEXT;
ALTER TABLE commands ADD COLUMN earlier_result TEXT;
