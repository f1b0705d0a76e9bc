"""Sets of JSON values of one type each: what is asserted of them, met with one another and written out again"""
