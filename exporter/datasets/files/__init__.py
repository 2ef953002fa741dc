"""Files of data: parsed, with what is wrong in them said by file and line; they know no model and no data set."""
