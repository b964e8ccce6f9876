"""
Values that a shadow issues itself: learned from two answers, used in later requests.

Pure. `table` holds what is known of one session, `learn` fills it from a live and a
shadow answer, `substitute` puts the shadow's names into a request, and `restate` puts
live's names into the shadow's answer, so that what is left differs indeed.
"""
