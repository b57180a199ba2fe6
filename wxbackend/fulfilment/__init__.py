"""What follows from a paid pledge: numbered trees and the certificate."""
